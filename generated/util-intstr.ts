// Generated from facts/ by scripts/generate-types.ts. Do not edit.

export type IntOrString = number | string;
