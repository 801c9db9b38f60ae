// Parts of Coracle that are there when their definitions are: turned on and off by objects in the cluster, and by nothing else.
import { existsSync } from 'node:fs';
import type { CustomResourceDefinition } from '../../generated/apiextensions-v1.ts';
import { customResourceDefinitionKind } from '../../generated/kinds.ts';
import { isConditionTrue } from '../api/meta/conditions.ts';
import { isAlreadyExists, isNotFound } from '../api/meta/status-error.ts';
import { systemClock } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import { createClient } from '../client/create-client.ts';
import { createKubeconfigTransport } from '../client/kubeconfig-transport.ts';
import { exitCodes, UserFailure } from './failure.ts';
import type { Layout } from './settings/layout.ts';

export interface Addon {
  readonly name: string;
  /** Other words for it. */
  readonly aliases: readonly string[];
  readonly description: string;
  definitions(): Promise<readonly CustomResourceDefinition[]>;
}

export const addons: readonly Addon[] = [
  {
    name: 'vertical-pod-autoscaler',
    aliases: ['vpa'],
    description: 'sets what pods request by what they use (docs/autoscaling.md)',
    definitions: async () => (await import('../api/vertical-pod-autoscaler/definitions.ts')).vpaDefinitions,
  },
];

const patienceMs = 30_000;
const pollMs = 50;

/** @throws UserFailure */
export function findAddon(name: string): Addon {
  const found = addons.find((addon) => addon.name === name || addon.aliases.includes(name));
  if (found) return found;
  const known = addons.map((addon) => [addon.name, ...addon.aliases].join(' or ')).join(', ');
  throw new UserFailure(exitCodes.missing, 'E_NO_ADDON', `there is no addon "${name}"`, `name one of: ${known}`);
}

export async function listAddons(layout: Layout): Promise<{ addon: Addon; isEnabled: boolean }[]> {
  return withAdmin(layout, (client) =>
    Promise.all(addons.map(async (addon) => ({ addon, isEnabled: await isEnabled(client, addon) }))),
  );
}

/** Gives whether anything had to be done. Settles when its kinds are served. */
export async function enableAddon(layout: Layout, addon: Addon): Promise<boolean> {
  return withAdmin(layout, async (client) => {
    const resource = client.resource(customResourceDefinitionKind);
    let hasChanged = false;
    for (const definition of await addon.definitions()) {
      await resource
        .create(definition)
        .then(() => {
          hasChanged = true;
        })
        .catch((error) => {
          if (!isAlreadyExists(error)) throw error;
        });
    }
    for (const end = systemClock.now() + patienceMs; !(await isEnabled(client, addon)); ) {
      if (systemClock.now() > end)
        throw new UserFailure(exitCodes.timeout, 'E_ADDON', `${addon.name} is not served yet`, 'see: kubectl get crd');
      await systemClock.sleep(pollMs);
    }
    return hasChanged;
  });
}

/** Its objects go with it. Gives whether there was anything to do. */
export async function disableAddon(layout: Layout, addon: Addon): Promise<boolean> {
  return withAdmin(layout, async (client) => {
    let hasChanged = false;
    for (const { metadata } of await addon.definitions()) {
      await client
        .resource(customResourceDefinitionKind)
        .delete({ namespace: '', name: metadata.name })
        .then(() => {
          hasChanged = true;
        })
        .catch((error) => {
          if (!isNotFound(error)) throw error;
        });
    }
    return hasChanged;
  });
}

async function isEnabled(client: Client, addon: Addon): Promise<boolean> {
  const found = await Promise.all(
    (await addon.definitions()).map(({ metadata: { name } }) =>
      client.resource(customResourceDefinitionKind).find({ namespace: '', name }),
    ),
  );
  return found.every((each) => each && isConditionTrue(each.status?.conditions, 'Established'));
}

async function withAdmin<T>({ kubeconfig, name }: Layout, action: (client: Client) => Promise<T>): Promise<T> {
  if (!existsSync(kubeconfig))
    throw new UserFailure(exitCodes.notRunning, 'E_NOT_RUNNING', `no cluster "${name}" runs`, 'start it: coracle up');
  await using transport = await createKubeconfigTransport({ path: kubeconfig, clock: systemClock });
  return await action(createClient(transport));
}
