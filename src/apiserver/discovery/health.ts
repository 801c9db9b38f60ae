// /healthz, /livez and /readyz, whole and check by check.
import { type Answer, textAnswer } from '../http/answer.ts';

export interface HealthCheck {
  readonly name: string;
  readonly on: readonly ('healthz' | 'livez' | 'readyz')[];
  /** Undefined: healthy. Else the reason, which goes to the log and not to the client. */
  problem(): string | undefined;
}

const everywhere = ['healthz', 'livez', 'readyz'] as const;

export class Health {
  readonly #checks: readonly HealthCheck[];

  constructor(checks: readonly HealthCheck[]) {
    this.#checks = [{ name: 'ping', on: everywhere, problem: () => undefined }, ...checks];
  }

  paths(): string[] {
    return everywhere.flatMap((root) => [
      `/${root}`,
      ...this.#checks.filter((check) => check.on.includes(root)).map((check) => `/${root}/${check.name}`),
    ]);
  }

  answer(path: string, query: URLSearchParams): Answer | undefined {
    const [, root, ...rest] = path.split('/');
    if (root !== 'healthz' && root !== 'livez' && root !== 'readyz') return undefined;
    const checks = this.#checks.filter((check) => check.on.includes(root));
    const headers = { 'x-content-type-options': 'nosniff' };
    if (rest.length > 0) {
      const check = checks.find(({ name }) => name === rest.join('/'));
      if (!check) return textAnswer(404, '404 page not found\n', headers);
      return check.problem()
        ? textAnswer(500, 'internal server error: reason withheld\n', headers)
        : textAnswer(200, 'ok', headers);
    }
    const excluded = new Set(query.getAll('exclude'));
    const lines: string[] = [];
    let failed = 0;
    for (const check of checks) {
      if (excluded.has(check.name)) lines.push(`[+]${check.name} excluded: ok`);
      else if (check.problem()) {
        failed++;
        lines.push(`[-]${check.name} failed: reason withheld`);
      } else lines.push(`[+]${check.name} ok`);
    }
    if (failed > 0) return textAnswer(500, `${lines.join('\n')}\n${root} check failed\n`, headers);
    if (!query.has('verbose')) return textAnswer(200, 'ok', headers);
    return textAnswer(200, `${lines.join('\n')}\n${root} check passed\n`, headers);
  }
}
