/** A copy without the bookkeeping of who set which field; of a list or table, in each of its objects. */
export function withoutManagedFields(value: unknown): unknown {
  const object = value as { metadata?: object; items?: readonly unknown[]; rows?: readonly { object?: unknown }[] };
  if (typeof object !== 'object' || object === null) return value;
  if (Array.isArray(object.items)) return { ...object, items: object.items.map(ofOne) };
  if (Array.isArray(object.rows))
    return { ...object, rows: object.rows.map((row) => ({ ...row, object: ofOne(row.object) })) };
  return ofOne(object);
}

function ofOne(value: unknown): unknown {
  const { metadata } = (value ?? {}) as { metadata?: { managedFields?: unknown } };
  if (!metadata?.managedFields) return value;
  const { managedFields: _left, ...rest } = metadata;
  return { ...(value as object), metadata: rest };
}
