// Formats of strings that a definition asks for and nobody checks.
import type { CustomResourceDefinitionSpec, JSONSchemaProps } from '../../../generated/apiextensions-v1.ts';
import { isKnownFormat } from '../../schema/structural/formats.ts';

/** In alphabetical order, each once. */
export function unknownFormats(spec: CustomResourceDefinitionSpec): string[] {
  const found = new Set<string>();
  const pending: unknown[] = spec.versions.map(({ schema }) => schema?.openAPIV3Schema);
  while (pending.length > 0) {
    const schema = pending.pop() as JSONSchemaProps | undefined;
    if (typeof schema !== 'object' || schema === null) continue;
    if (schema.type === 'string' && schema.format && !isKnownFormat(schema.format)) found.add(schema.format);
    pending.push(schema.items, schema.additionalProperties, ...Object.values(schema.properties ?? {}));
  }
  return [...found].sort();
}
