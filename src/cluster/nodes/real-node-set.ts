// The real nodes of a running cluster on this machine: those it began with, and those that come and go by command.
import { rmSync } from 'node:fs';
import { nodeKind, podKind } from '../../../generated/kinds.ts';
import { isConditionTrue } from '../../api/meta/conditions.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';
import { clearNode, removeCgroup, unmountBelow } from '../down.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import type { Pki } from '../pki.ts';
import type { Programs } from '../preflight.ts';
import { type Settings, writeSettings } from '../settings/settings.ts';
import { claimSlot } from '../settings/slots.ts';
import type { ControlActions } from '../socket/control-socket.ts';
import type { StartContext } from '../start-context.ts';
import { withNode, withoutNode } from './further-nodes.ts';
import { providerIdOf } from './machine-provider.ts';
import { refuseFurtherNodes } from './machine-runtime.ts';
import { issueNodeIdentities } from './node-identities.ts';
import { furtherNode, furtherNodeFolder, type NodePlan, realNodes } from './node-plan.ts';
import { untilNodesReady } from './nodes-ready.ts';
import { type AgentSettings, prepareNode, type RealNode, type RuntimeHandle, startRealNode } from './real-node.ts';

/** A line of `coracle node list`. */
export interface NodeLine {
  readonly name: string;
  readonly address: string;
  readonly place: 'this machine' | 'namespace' | 'elsewhere';
  readonly isReady: boolean;
  readonly podCidr: string;
}

export class RealNodeSet {
  readonly #context: StartContext;
  readonly #pki: Pki;
  readonly #programs: Programs | undefined;
  readonly #admin: Client;
  readonly #running = new Map<string, RealNode>();
  #settings: Settings;
  /** One change at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: StartContext, pki: Pki, programs: Programs | undefined, admin: Client) {
    this.#context = context;
    this.#pki = pki;
    this.#programs = programs;
    this.#admin = admin;
    this.#settings = context.settings;
  }

  /** Runs the nodes that the settings name; `daemons` are theirs, in the order of `realNodes`. */
  async start(daemons: readonly RuntimeHandle[]): Promise<void> {
    const plans = realNodes(this.#context.layout, this.#settings);
    await Promise.all(
      plans.map(async (plan, index) => {
        await this.#run(plan, daemons[index]!);
      }),
    );
  }

  async #run(plan: NodePlan, daemon: RuntimeHandle): Promise<void> {
    await issueNodeIdentities(this.#pki, plan);
    const { nodeName: machine, address, apiPort, podCidr, serviceCidr, clusterDomain } = this.#settings;
    const { kubeletConfigFile, podNetworkEncryption, podShutdownMs = 0 } = this.#settings;
    const settings: AgentSettings = {
      server: `https://${plan.namespace ? address : '127.0.0.1'}:${apiPort}`,
      podCidr,
      serviceCidr,
      clusterDomain,
      providerId: providerIdOf(this.#settings.name, plan.name),
      ...(kubeletConfigFile ? { kubeletConfigFile } : {}),
      ...(podNetworkEncryption ? { podNetworkEncryption } : {}),
      ...(podShutdownMs > 0 ? { endsPods: true } : {}),
      ...(plan.namespace ? { machine, sysctlRecord: `${plan.folder}/switches` } : {}),
    };
    this.#running.set(plan.name, startRealNode(this.#context, plan, this.#programs, daemon, settings, podShutdownMs));
  }

  /** Ends the agents; containerds and pods go on. */
  async stop(): Promise<void> {
    await this.#turn.catch(() => {});
    await Promise.all([...this.#running.values()].map((node) => node.stop()));
  }

  /** For the control socket. */
  actions(): ControlActions {
    return {
      'GET /nodes': () => this.list(),
      'POST /nodes/add': (_, query) => this.#alone(() => this.add(query.get('node') ?? undefined)),
      'POST /nodes/delete': (_, query) => this.#alone(() => this.delete(query.get('node') ?? '')),
    };
  }

  #alone<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(change, change);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** One node more; settles when it is Ready. @throws UserFailure */
  async add(name?: string): Promise<{ name: string; address: string; ms: number }> {
    const { layout, clock } = this.#context;
    const startedMs = clock.now();
    refuseFurtherNodes(this.#settings.machineRuntime, 2);
    const settings = withNode(this.#settings, claimSlot(layout.dataDir), name);
    const wanted = settings.furtherNodes!.at(-1)!;
    const plan = furtherNode(layout, wanted);
    const { ensureNodeBridge } = await import('../../network/overlay/node-namespaces.ts');
    const { nodeCidr, podCidr: clusterPodCidr } = settings;
    await ensureNodeBridge({ clusterName: layout.name, nodeCidr: nodeCidr!, clusterPodCidr });
    // Written first: whatever happens from here on, `delete` knows of it.
    this.#keep(settings);
    try {
      const daemon = await prepareNode(this.#context, plan, this.#programs, settings);
      await this.#bringImages(plan, daemon);
      await this.#run(plan, daemon);
      await untilNodesReady(this.#admin, [wanted.name], startedMs);
    } catch (error) {
      await this.delete(wanted.name).catch(() => {}); // what failed first is told
      throw error;
    }
    return { ...wanted, ms: clock.now() - startedMs };
  }

  /** A pod may come to any node: what was imported here before is there as well. */
  async #bringImages({ folder }: NodePlan, { socketPath }: RuntimeHandle): Promise<void> {
    const { layout, log } = this.#context;
    const [{ copyImages }, { containerdSocket }] = await Promise.all([
      import('../images/containerd-images.ts'),
      import('../../kubelet/runtime/containerd-daemon.ts'),
    ]);
    await copyImages(containerdSocket(layout.containerd), socketPath, `${folder}-images.tar`).catch((error) =>
      log.warn('images were not brought to a new node', { problem: String(error) }),
    );
  }

  /** Takes a node away, with its pods; those that belong to a controller come again elsewhere. @throws UserFailure */
  async delete(name: string): Promise<object> {
    const { layout, state } = this.#context;
    if (name === this.#settings.nodeName) {
      const remedy = `take the whole cluster away: coracle delete --name ${layout.name}`;
      throw new UserFailure(exitCodes.usage, 'E_FIRST_NODE', `"${name}" is this machine, the first node`, remedy);
    }
    const further = this.#settings.furtherNodes?.find((each) => each.name === name);
    const known = await this.#admin.resource(nodeKind).find({ namespace: '', name });
    if (!further && !known) {
      const remedy = `see them: coracle node list --name ${layout.name}`;
      throw new UserFailure(exitCodes.missing, 'E_NO_NODE', `there is no node "${name}"`, remedy);
    }
    if (further) {
      const plan = furtherNode(layout, further);
      await this.#running.get(name)?.stop();
      this.#running.delete(name);
      await clearNode(plan);
      await unmountBelow(furtherNodeFolder(layout, name));
      const { removeNodeNamespace } = await import('../../network/overlay/node-namespaces.ts');
      await removeNodeNamespace(layout.name, name);
      await removeCgroup(plan.cgroup);
      rmSync(furtherNodeFolder(layout, name), { recursive: true, force: true, maxRetries: 5 });
      state.remove(plan.parts.agent);
      state.remove(plan.parts.containerd);
      this.#keep(withoutNode(this.#settings, name));
    }
    await this.#forget(name);
    return { name };
  }

  /** The objects of a node that is gone: nobody else would say that its pods have ended. */
  async #forget(name: string): Promise<void> {
    const unlessGone = (error: unknown) => {
      if (!isNotFound(error)) throw error;
    };
    const nodes = this.#admin.resource(nodeKind);
    await nodes.delete({ namespace: '', name }).catch(unlessGone);
    const pods = this.#admin.resource(podKind);
    const { items } = await pods.list({ fieldSelector: `spec.nodeName=${name}` });
    for (const { metadata } of items) {
      const key = { namespace: metadata.namespace!, name: metadata.name };
      const preconditions = { uid: metadata.uid! };
      await pods.delete(key, { gracePeriodSeconds: 0, preconditions }).catch(unlessGone);
    }
  }

  async list(): Promise<NodeLine[]> {
    const { items } = await this.#admin.resource(nodeKind).list();
    const { nodeName, furtherNodes = [] } = this.#settings;
    const isFurther = (name: string) => furtherNodes.some((each) => each.name === name);
    return items.map(({ metadata: { name }, spec, status }) => ({
      name,
      address: status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
      place: name === nodeName ? 'this machine' : isFurther(name) ? 'namespace' : 'elsewhere',
      isReady: isConditionTrue(status?.conditions, 'Ready'),
      podCidr: spec?.podCIDR ?? '',
    }));
  }

  #keep(settings: Settings): void {
    this.#settings = settings;
    writeSettings(this.#context.layout, settings);
  }
}
