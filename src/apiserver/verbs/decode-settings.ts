// What a body is expected to be, shared by the decoders of its formats.
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import type { KindInBody } from '../../schema/codec.ts';
import type { ResourceTable } from '../registry/resource-table.ts';

export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly typeName: string;
  /** Set for custom resources: a body must say what it is. */
  readonly custom?: object;
}

export interface DecodeSettings {
  readonly expected: ExpectedKind;
  /** Other types that are taken as they are, by `APIVERSION/KIND`: Eviction in policy/v1beta1. */
  readonly alternatives?: ReadonlyMap<string, string>;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  readonly table: ResourceTable;
  warn(text: string): void;
  /** Gets the text of a JSON body. */
  given?(body: Uint8Array): void;
}

/** A body may leave out what it is; then it is what the path says. */
export function identify(object: KubernetesObject, says: KindInBody, { expected }: DecodeSettings): KubernetesObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object;
  return {
    kind: says.kind || expected.kind,
    apiVersion: says.apiVersion || apiVersionOf(expected),
    metadata: metadata ?? ({} as KubernetesObject['metadata']),
    ...rest,
  } as KubernetesObject;
}
