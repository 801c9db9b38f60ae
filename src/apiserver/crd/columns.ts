// Table columns of a custom resource, by the JSON paths that its definition names.
import type { CustomResourceColumnDefinition } from '../../../generated/apiextensions-v1.ts';
import type { Column } from '../../api/kind.ts';
import { ageColumn, nameColumn } from '../../api/meta/columns.ts';
import { ageOf } from '../../api/meta/human-duration.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { compileJsonPath } from './json-path.ts';

type Cell = string | number | boolean | null;

function compilePath(text: string): (root: unknown) => unknown[] {
  try {
    return compileJsonPath(text);
  } catch {
    return () => []; // Shows an empty cell, as upstream does for what it cannot read.
  }
}

function cellOf(value: unknown, type: string, nowMs: number): Cell {
  switch (type) {
    case 'integer':
      if (typeof value === 'bigint') return value as never;
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : ageOf(value, nowMs);
    default:
      return textOf(value);
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function columnOf(definition: CustomResourceColumnDefinition): Column<KubernetesObject> {
  const find = compilePath(definition.jsonPath);
  return {
    name: definition.name,
    type: definition.type as Column<unknown>['type'],
    format: definition.format ?? '',
    description:
      definition.description || `Custom resource definition column (in JSONPath format): ${definition.jsonPath}`,
    priority: definition.priority ?? 0,
    cell(object, { nowMs }) {
      const found = find(object);
      if (found.length === 0 || found[0] === null) return null;
      return cellOf(found[0], definition.type, nowMs);
    },
  };
}

export function columnsOf(
  definitions: readonly CustomResourceColumnDefinition[] | undefined,
): Column<KubernetesObject>[] {
  if (!definitions?.length) return [nameColumn, { ...ageColumn, type: 'date' }];
  return [nameColumn, ...definitions.map(columnOf)];
}
