// Generated from facts/ by scripts/generate-types.ts. Do not edit.

export type RawExtension = Record<string, unknown>;

export interface TypeMeta {
  apiVersion?: string;
  kind?: string;
}

export interface Unknown {

}
