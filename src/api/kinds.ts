// Every built-in kind that has rules of its own. A kind that is not here is served by its facts alone.
import type { KindDefinition } from './kind.ts';

export const kindDefinitions: readonly KindDefinition[] = [];
