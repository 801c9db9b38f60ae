// Figures of the components beside the API server, served by it.
import type { ExtraPath } from '../../apiserver/discovery/discovery.ts';

/** A thread that comes and goes, or nothing yet. */
export class ComponentFigures {
  /** Prints what is served at a path. */
  source: ((path: string) => Promise<string>) | undefined;
  /** Prints figures of the server's own parts. */
  readonly #own: () => string;

  constructor(own: () => string = () => '') {
    this.#own = own;
  }

  /** Lines for `/metrics`. */
  async print(): Promise<string> {
    return this.#own() + ((await this.source?.('/metrics')) ?? '');
  }

  /** Pages of their own. */
  pages(): ExtraPath[] {
    const path = '/metrics/resources';
    const contentType = 'text/plain; version=0.0.4; charset=utf-8';
    const answer = async () => {
      const body = Buffer.from((await this.source?.(path)) ?? '');
      return { type: 'bytes', status: 200, contentType, body } as const;
    };
    return [{ path, answer }];
  }
}
