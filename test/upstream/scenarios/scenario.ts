// What a recorded scenario says; the README beside tells what each step does.

export type Json = any;

export interface Look {
  /** An object (with `name`) or a list of `list`; or the events of a namespace. */
  readonly get?: string;
  readonly list?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly subresource?: string;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly where?: Readonly<Record<string, string>>;
  readonly fields?: readonly string[];
  readonly equals?: Readonly<Record<string, unknown>>;
  /** Conditions keep their order. */
  readonly ordered?: boolean;
  readonly events?: boolean;
  readonly of?: string;
  readonly kinds?: readonly string[];
  readonly reasons?: readonly string[];
  readonly without?: readonly string[];
}

export interface Step {
  readonly do: string;
  readonly as?: string;
  /** The answer itself is compared with `golden`. */
  readonly answer?: boolean;
  readonly golden?: Json;
  readonly [field: string]: Json;
}

export interface Scenario {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  /** `none` makes no nodes, `nodes` makes some, `alone` counts those of the whole cluster. */
  readonly needs: 'none' | 'nodes' | 'alone';
  readonly seconds?: number;
  readonly steps: readonly Step[];
}
