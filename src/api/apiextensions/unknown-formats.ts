// Formats that a definition asks for and nobody checks.
import type { CustomResourceDefinitionSpec } from '../../../generated/apiextensions-v1.ts';
import { isKnownFormat } from '../../schema/structural/formats.ts';
import { goQuote } from '../meta/field-errors.ts';
import { schemasIn } from './schemas-in.ts';

/** What to warn of: unknown formats that the definition did not have before, in alphabetical order. */
export function formatWarnings(
  spec: CustomResourceDefinitionSpec,
  before: CustomResourceDefinitionSpec | undefined,
): string[] {
  const known = before ? unknownFormats(before) : new Set();
  const fresh = [...unknownFormats(spec)].filter((format) => !known.has(format));
  return fresh.sort().map((format) => `unrecognized format ${goQuote(format)}`);
}

function unknownFormats({ versions }: CustomResourceDefinitionSpec): Set<string> {
  const found = new Set<string>();
  for (const { schema } of versions) {
    if (!schema?.openAPIV3Schema) continue;
    for (const { format, type } of schemasIn(schema.openAPIV3Schema)) {
      if (format && !isKnownFormat(format, type)) found.add(format);
    }
  }
  return found;
}
