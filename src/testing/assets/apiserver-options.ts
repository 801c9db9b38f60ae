// What kube-apiserver is asked for by its flags, and which of them we cannot do.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuthorizationMode } from '../../apiserver/security.ts';
import { apiServerFlags } from './apiserver-flags.ts';
import { durationMs, FlagError, type Flags, type FlagWords, isOn, parseFlags } from './flags.ts';

export interface ApiServerLaunch {
  readonly etcdServers: readonly string[];
  readonly etcdFiles: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly etcdPrefix?: string;
  readonly host: string;
  readonly port: number;
  /** Absent: that of this machine. */
  readonly advertiseAddress?: string;
  /** PEM; absent: one is made in `certDir`. */
  readonly serving?: { readonly cert: string; readonly key: string };
  readonly certDir: string;
  /** PEM, empty: nobody's certificate is believed. */
  readonly clientCa: string;
  readonly requestHeaderCa: string;
  readonly requestHeaderNames: readonly string[];
  readonly proxyClient: { readonly cert: string; readonly key: string };
  readonly tokenFile?: string;
  readonly allowsAnonymous: boolean;
  readonly authorizationModes: readonly AuthorizationMode[];
  readonly enabledPlugins: readonly string[];
  readonly disabledPlugins: readonly string[];
  readonly issuer: string;
  readonly signingKey: string;
  readonly verifyingKeys: readonly string[];
  readonly serviceCidr: string;
  readonly nodePortRange: readonly [first: number, last: number];
  readonly eventTtlMs: number;
  readonly requestTimeoutMs: number;
  readonly seats: number;
  readonly audit: { readonly policyFile?: string; readonly logPath: string; readonly webhookConfigFile?: string };
  /** What was asked for and is not done, in words for the log. */
  readonly notes: readonly string[];
}

const words: FlagWords = {
  unknown: (name) => (name.length === 1 ? `unknown shorthand flag: '${name}' in -${name}` : `unknown flag: --${name}`),
  noArgument: (name) => `flag needs an argument: --${name}`,
  positional: (found) => `"kube-apiserver" does not take any arguments, got ${JSON.stringify(found)}`,
  wrongSwitch: (name, value) =>
    `invalid argument "${value}" for "--${name}" flag: strconv.ParseBool: parsing "${value}": invalid syntax`,
};

/** Who may do what would differ from what was asked: better not to start. */
const refusedFlags =
  'oidc-issuer-url authentication-config authentication-token-webhook-config-file authorization-config ' +
  'authorization-policy-file authorization-webhook-config-file admission-control-config-file ' +
  'egress-selector-config-file encryption-provider-config';
/** Tests see no difference, but whoever asked should know. */
const ignoredFlags = 'feature-gates runtime-config emulated-version cors-allowed-origins tls-sni-cert-key';

const modes: readonly AuthorizationMode[] = ['Node', 'RBAC', 'AlwaysAllow', 'AlwaysDeny'];

export const parseApiServerFlags = (args: readonly string[]): Flags => parseFlags(args, apiServerFlags, words);

/** @throws FlagError with everything that is missing or cannot be done */
export function apiServerLaunch(flags: Flags): ApiServerLaunch {
  const problems = missing(flags);
  for (const name of refusedFlags.split(' '))
    if (flags.has(name)) problems.push(`--${name} is not supported by Coracle's kube-apiserver for tests`);
  const authorizationModes = flags.get('authorization-mode') ?? ['AlwaysAllow'];
  for (const mode of authorizationModes)
    if (!(modes as readonly string[]).includes(mode))
      problems.push(
        mode === 'ABAC' || mode === 'Webhook'
          ? `authorization-mode "${mode}" is not supported by Coracle's kube-apiserver for tests`
          : `authorization-mode "${mode}" is not a valid mode`,
      );
  if (problems.length > 0) throw new FlagError(problems.length > 1 ? `[${problems.join(', ')}]` : problems[0]!);
  const one = (name: string): string | undefined => flags.get(name)?.at(-1) || undefined;
  const file = (name: string): string => (one(name) ? read(one(name)!) : '');
  const certDir = one('cert-dir') ?? '/var/run/kubernetes';
  const number = (name: string, byDefault: number): number => Number(one(name) ?? byDefault);
  const [first = 30_000, last = 32_767] = rangeOf(one('service-node-port-range') ?? '30000-32767');
  const serving = servingPair(certDir, one('tls-cert-file'), one('tls-private-key-file'));
  return {
    etcdServers: flags.get('etcd-servers')!,
    etcdFiles: present({ ca: one('etcd-cafile'), cert: one('etcd-certfile'), key: one('etcd-keyfile') }),
    ...present({
      etcdPrefix: one('etcd-prefix'),
      advertiseAddress: one('advertise-address'),
      tokenFile: one('token-auth-file'),
    }),
    host: one('bind-address') ?? '0.0.0.0',
    port: number('secure-port', 6443),
    ...(serving ? { serving } : {}),
    certDir,
    clientCa: file('client-ca-file'),
    requestHeaderCa: file('requestheader-client-ca-file'),
    requestHeaderNames: flags.get('requestheader-allowed-names') ?? [],
    proxyClient: { cert: file('proxy-client-cert-file'), key: file('proxy-client-key-file') },
    allowsAnonymous: isOn(flags, 'anonymous-auth', true),
    authorizationModes: authorizationModes as AuthorizationMode[],
    enabledPlugins: [...(flags.get('enable-admission-plugins') ?? []), ...(flags.get('admission-control') ?? [])],
    disabledPlugins: flags.get('disable-admission-plugins') ?? [],
    issuer: flags.get('service-account-issuer')![0]!,
    signingKey: file('service-account-signing-key-file'),
    verifyingKeys: flags.get('service-account-key-file')!.map(read),
    // A second range is for dual-stack clusters, which we are not.
    serviceCidr: (one('service-cluster-ip-range') ?? '10.0.0.0/24').split(',')[0]!,
    nodePortRange: [first, last],
    eventTtlMs: durationMs(one('event-ttl') ?? '1h'),
    requestTimeoutMs: durationMs(one('request-timeout') ?? '1m'),
    seats: number('max-requests-inflight', 400) + number('max-mutating-requests-inflight', 200),
    audit: {
      logPath: one('audit-log-path') ?? '',
      ...present({ policyFile: one('audit-policy-file'), webhookConfigFile: one('audit-webhook-config-file') }),
    },
    notes: ignoredFlags.split(' ').flatMap((name) => {
      const values = flags.get(name);
      return values ? [`--${name}=${values.join(',')} changes nothing here`] : [];
    }),
  };
}

/** What upstream asks for in every case, in its words and order. */
function missing(flags: Flags): string[] {
  const problems: string[] = [];
  if (!flags.has('etcd-servers')) problems.push('--etcd-servers must be specified');
  if (!flags.has('service-account-issuer')) problems.push('service-account-issuer is a required flag');
  if (!flags.has('service-account-key-file')) {
    problems.push('either `--service-account-key-file` or `--service-account-signing-endpoint` must be set');
  }
  if (!flags.has('service-account-signing-key-file') || !flags.has('service-account-issuer')) {
    problems.push('--service-account-signing-key-file and --service-account-issuer are required flags');
  }
  return problems;
}

function servingPair(
  certDir: string,
  certFile: string | undefined,
  keyFile: string | undefined,
): { cert: string; key: string } | undefined {
  if (certFile && keyFile) return { cert: read(certFile), key: read(keyFile) };
  const [cert, key] = [join(certDir, 'apiserver.crt'), join(certDir, 'apiserver.key')];
  return existsSync(cert) && existsSync(key) ? { cert: read(cert), key: read(key) } : undefined;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new FlagError(`open ${path}: ${isMissing ? 'no such file or directory' : (error as Error).message}`);
  }
}

/** `30000-32767`, or `30000+100`. */
function rangeOf(text: string): [number, number] {
  const [, first = '0', sign, second] = /^(\d+)(?:([-+])(\d+))?$/.exec(text) ?? [];
  if (second === undefined) return [Number(first), Number(first)];
  return [Number(first), sign === '+' ? Number(first) + Number(second) : Number(second)];
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}
