// What a recorded case says; data/README.md has the words for it.
import type { HeaderValue } from '../client.ts';

export interface Expectation {
  readonly code: number;
  readonly headers?: Readonly<Record<string, unknown>>;
  /** Absent in setup steps, where only the code counts. */
  readonly body?: unknown;
}

export interface GoldenStep {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, HeaderValue>>;
  readonly withoutCredentials?: boolean;
  /** One of these three, or none: JSON, text as it is, bytes. */
  readonly body?: unknown;
  readonly raw?: string;
  readonly hex?: string;
  readonly poll?: { readonly code?: number; readonly contains?: string } | true;
  readonly expect: Expectation;
  readonly headersOfInterest?: readonly string[];
  readonly text?: boolean;
  readonly only?: readonly string[];
  readonly ignore?: readonly string[];
  readonly unordered?: readonly string[];
  readonly prefix?: number;
}

export interface GoldenCase {
  readonly id: string;
  readonly area: string;
  readonly namespace?: Readonly<Record<string, unknown>>;
  readonly keepManagedFields?: boolean;
  readonly setup?: readonly GoldenStep[];
  readonly steps: readonly GoldenStep[];
}
