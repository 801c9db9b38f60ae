// The cluster's kubeconfig, and its context in the user's own file, which keeps everything else that is there.
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { writeDurably } from '../base/durable-file.ts';
import { parseYaml, stringifyYaml } from '../base/yaml.ts';
import { exitCodes, UserFailure } from './failure.ts';

export interface Access {
  readonly context: string;
  readonly server: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

interface Named {
  name: string;
}

interface KubeconfigFile {
  apiVersion?: string;
  kind?: string;
  clusters?: Named[] | null;
  contexts?: Named[] | null;
  users?: Named[] | null;
  'current-context'?: string;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

function entriesFor(access: Access) {
  const { context } = access;
  return {
    cluster: {
      name: context,
      cluster: { server: access.server, 'certificate-authority-data': base64(access.ca) },
    },
    user: {
      name: context,
      user: { 'client-certificate-data': base64(access.certificate), 'client-key-data': base64(access.key) },
    },
    context: { name: context, context: { cluster: context, user: context } },
  };
}

export function renderKubeconfig(access: Access): string {
  const { cluster, user, context } = entriesFor(access);
  return stringifyYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [cluster],
    contexts: [context],
    users: [user],
    'current-context': access.context,
  });
}

/** The file kubectl writes to: the first of $KUBECONFIG, else ~/.kube/config. */
export function userKubeconfigPath(): string {
  const listed = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter(Boolean);
  return resolve(listed.find((file) => existsSync(file)) ?? listed[0] ?? join(homedir(), '.kube/config'));
}

const replace = <T extends Named>(list: Named[] | null | undefined, entry: T) => [
  ...(list ?? []).filter((each) => each.name !== entry.name),
  entry,
];

/** Adds or renews the context and makes it the current one. Gives the context that was current before. */
export function mergeKubeconfig(file: string, access: Access): string | undefined {
  const config = readConfig(file);
  const { cluster, user, context } = entriesFor(access);
  const previous = config['current-context'];
  writeConfig(file, {
    apiVersion: 'v1',
    kind: 'Config',
    ...config,
    clusters: replace(config.clusters, cluster),
    contexts: replace(config.contexts, context),
    users: replace(config.users, user),
    'current-context': access.context,
  });
  return previous;
}

/** Takes the context out of all of them. @throws for the first that could not be read, when it is out of the others */
export function removeFromKubeconfigs(files: readonly string[], context: string): void {
  const problems: unknown[] = [];
  for (const file of files) {
    try {
      removeFromKubeconfig(file, context);
    } catch (error) {
      problems.push(error);
    }
  }
  if (problems.length > 0) throw problems[0];
}

/** A file that held nothing else is removed. */
function removeFromKubeconfig(file: string, context: string): void {
  if (!existsSync(file)) return;
  const config = readConfig(file);
  const without = (list: Named[] | null | undefined) => (list ?? []).filter((each) => each.name !== context);
  if (without(config.contexts).length === (config.contexts ?? []).length) return;
  const next: KubeconfigFile = {
    ...config,
    clusters: without(config.clusters),
    contexts: without(config.contexts),
    users: without(config.users),
  };
  if (next['current-context'] === context) next['current-context'] = next.contexts?.[0]?.name ?? '';
  const isEmpty = !next.clusters?.length && !next.contexts?.length && !next.users?.length;
  if (isEmpty) rmSync(file, { force: true });
  else writeConfig(file, next);
}

function readConfig(file: string): KubeconfigFile {
  if (!existsSync(file) || statSync(file).size === 0) return {};
  try {
    const parsed = parseYaml(readFileSync(file, 'utf8'));
    if (parsed && typeof parsed === 'object' && !Array.isArray(parsed)) return parsed as KubeconfigFile;
  } catch {
    // reported below: what cannot be read must not be written over
  }
  throw new UserFailure(
    exitCodes.usage,
    'E_KUBECONFIG',
    `${file} is not a kubeconfig`,
    `move it away, or name another file: coracle up --kubeconfig FILE`,
  );
}

/** Writes beside and renames, through symbolic links, so that a crash leaves the old file whole, and a failure of the power too. */
function writeConfig(file: string, config: KubeconfigFile): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const target = existsSync(file) ? realpathSync(file) : file;
  writeDurably(target, stringifyYaml(config));
}
