// What validation found, in a form that knows nothing of API errors: the layer above makes causes of it.
export interface SchemaError {
  readonly reason:
    | 'required'
    | 'invalid'
    | 'typeInvalid'
    | 'notSupported'
    | 'tooLong'
    | 'tooMany'
    | 'duplicate'
    | 'forbidden'
    | 'whole';
  /** '' is the object itself; undefined: upstream names no field. */
  readonly field: string | undefined;
  readonly value?: unknown;
  readonly detail?: string;
  readonly supported?: readonly string[];
  readonly limit?: number;
}
