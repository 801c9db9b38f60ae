// Generated from facts/ by scripts/generate-types.ts. Do not edit.

export type Quantity = string;

export type QuantityValue = string;
