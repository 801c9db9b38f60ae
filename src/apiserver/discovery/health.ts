// /healthz, /livez and /readyz, whole and check by check.
import { type Answer, textAnswer } from '../http/answer.ts';

export interface HealthCheck {
  readonly name: string;
  readonly on: readonly ('healthz' | 'livez' | 'readyz')[];
  /** Undefined: healthy. Else the reason, which goes to the log and not to the client. */
  problem(): string | undefined;
}

/** The steps of a start that upstream's checks are named for, in its order: some of them are parts of one step of ours. */
const startSteps = [
  'poststarthook/start-apiserver-admission-initializer',
  'poststarthook/generic-apiserver-start-informers',
  'poststarthook/priority-and-fairness-config-consumer',
  'poststarthook/priority-and-fairness-filter',
  'poststarthook/storage-object-count-tracker-hook',
  'poststarthook/start-apiextensions-informers',
  'poststarthook/start-apiextensions-controllers',
  'poststarthook/crd-informer-synced',
  'poststarthook/start-system-namespaces-controller',
  'poststarthook/peer-endpoint-reconciler-controller',
  'poststarthook/start-cluster-authentication-info-controller',
  'poststarthook/start-kube-apiserver-identity-lease-controller',
  'poststarthook/start-kube-apiserver-identity-lease-garbage-collector',
  'poststarthook/storage-readiness',
  'poststarthook/start-legacy-token-tracking-controller',
  'poststarthook/start-service-ip-repair-controllers',
  'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes',
  'poststarthook/priority-and-fairness-config-producer',
  'poststarthook/bootstrap-controller',
  'poststarthook/start-kubernetes-service-cidr-controller',
  'poststarthook/start-kube-aggregator-informers',
  'poststarthook/apiservice-status-local-available-controller',
  'poststarthook/apiservice-status-remote-available-controller',
  'poststarthook/apiservice-registration-controller',
  'poststarthook/apiservice-discovery-controller',
  'poststarthook/kube-apiserver-autoregistration',
  'autoregister-completion',
  'poststarthook/apiservice-openapi-controller',
  'poststarthook/apiservice-openapiv3-controller',
] as const;

/** They pass once the server has started, and go on passing while it stops. */
export function startChecks(hasStarted: () => boolean): HealthCheck[] {
  const problem = () => (hasStarted() ? undefined : 'not finished');
  return startSteps.map((name) => ({ name, on: everywhere, problem }));
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

  /** Of each check, under each of the two that count. */
  results(): { readonly name: string; readonly type: 'livez' | 'readyz'; readonly isHealthy: boolean }[] {
    return (['livez', 'readyz'] as const).flatMap((type) =>
      this.#checks
        .filter((check) => check.on.includes(type))
        .map((check) => ({ name: check.name, type, isHealthy: !check.problem() })),
    );
  }

  answer(path: string, query: URLSearchParams): Answer | undefined {
    const [, root = '', ...rest] = path.split('/');
    if (root !== 'healthz' && root !== 'livez' && root !== 'readyz') return undefined;
    const checks = this.#checks.filter((check) => check.on.includes(root));
    const headers = { 'x-content-type-options': 'nosniff' };
    if (rest.length > 0) {
      const check = checks.find(({ name }) => name === rest.join('/'));
      if (!check) return textAnswer(404, '404 page not found\n', headers);
      return check.problem()
        ? textAnswer(500, `internal server error: ${check.name} failed: reason withheld\n`, headers)
        : textAnswer(200, 'ok');
    }
    const excluded = new Set(query.getAll('exclude').filter(Boolean));
    const lines: string[] = [];
    let failed = 0;
    for (const check of checks) {
      if (excluded.has(check.name)) lines.push(`[+]${check.name} excluded: ok`);
      else if (check.problem()) {
        failed++;
        lines.push(`[-]${check.name} failed: reason withheld`);
      } else lines.push(`[+]${check.name} ok`);
    }
    const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name));
    if (unknown.length > 0) lines.push(noMatches(unknown));
    if (failed > 0) return textAnswer(500, `${lines.join('\n')}\n${root} check failed\n`, headers);
    if (!query.has('verbose')) return textAnswer(200, 'ok', headers);
    return textAnswer(200, `${lines.join('\n')}\n${root} check passed\n`, headers);
  }
}

/** Names as Go quotes them: whatever is not plain is escaped, so that a query cannot write lines of its own. */
function noMatches(names: readonly string[]): string {
  const quoted = [...names].sort().map((name) => JSON.stringify(name));
  return `warn: some health checks cannot be excluded: no matches for ${quoted.join(',')}`;
}
