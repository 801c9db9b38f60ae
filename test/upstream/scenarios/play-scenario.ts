// Plays one scenario, step by step, and says where the cluster does not do what upstream did.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, mergePatch, type Reply } from './api.ts';
import { KubeletPart } from './kubelet.ts';
import { changes, look, lookAtAll } from './looks.ts';
import { canonical } from './names.ts';
import { Nodes } from './nodes.ts';
import { pick } from './paths.ts';
import type { Json, Look, Scenario, Step } from './scenario.ts';
import { pause, Stage } from './stage.ts';

const patchTypes: Readonly<Record<string, string>> = {
  merge: mergePatch,
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
};
/** What was expected must stay for so long. */
const holdMs = 250;
const conflictTries = 5;

/** What differs, a line each. Anything may take `patienceSeconds` to happen. */
export async function playScenario(api: Api, scenario: Scenario, patienceSeconds = 30): Promise<string[]> {
  const stage = new Stage(api, scenario, patienceSeconds);
  using nodes = new Nodes(stage);
  const play = new Play(stage, nodes);
  try {
    if (scenario.needs === 'alone') await play.untilNoNodes();
    await stage.makeNamespace(stage.namespace);
    for (const [index, step] of scenario.steps.entries()) {
      const problems = await play.step(step);
      if (problems.length > 0) return problems.map((line) => `step ${index} (${step.as ?? step.do}): ${line}`);
      await stage.learn();
    }
    return [];
  } catch (error) {
    return [(error as Error).message];
  } finally {
    await stage.clear().catch(() => {}); // a later scenario that needs the room says so
  }
}

class Play {
  readonly #stage: Stage;
  readonly #api: Api;
  readonly #nodes: Nodes;
  readonly #kubelet: KubeletPart;

  constructor(stage: Stage, nodes: Nodes) {
    this.#stage = stage;
    this.#api = stage.api;
    this.#nodes = nodes;
    this.#kubelet = new KubeletPart(stage);
  }

  async untilNoNodes(): Promise<void> {
    let left = '';
    const areGone = async () => {
      const { items } = await this.#api.must('GET', '/api/v1/nodes');
      left = items.map(({ metadata }: Json) => metadata.name).join(', ');
      return left === '';
    };
    await this.#stage.until(areGone, () => `a cluster without nodes (it has ${left})`);
  }

  async step(raw: Step): Promise<string[]> {
    const { golden, ...bare } = raw;
    const step: Json = this.#stage.fill(await this.#stage.fillUids(bare));
    switch (raw.do) {
      case 'create':
        return this.#create(step, raw);
      case 'apply':
        return this.#apply(step, raw);
      case 'patch':
        return this.#patch(step, raw);
      case 'post':
        return this.#answer(await this.#api.request('POST', await this.#path(step), step.object), step, raw);
      case 'delete': {
        const options = { propagationPolicy: step.propagation, gracePeriodSeconds: step.grace };
        return this.#answer(await this.#api.request('DELETE', await this.#path(step), options), step, raw);
      }
      case 'bind':
        return this.#bind(step, raw);
      case 'record':
        return this.#record(step, golden);
    }
    await this.#act(step);
    return [];
  }

  async #act(step: Json): Promise<void> {
    if (step.do === 'nodes') await this.#nodes.add(step.nodes);
    else if (step.do === 'node_condition') await this.#nodes.setCondition(step);
    else if (step.do === 'kubelet') await this.#kubelet.step(step);
    else if (step.do === 'auto') await this.#kubelet.automate(step);
    else if (step.do === 'wait') await this.#wait(step);
    else if (step.do === 'pause') await sleep(step.seconds * 1000);
    else throw new Error(`no such step: ${step.do}`);
  }

  #path({ resource, namespace, name, subresource }: Json): Promise<string> {
    return this.#api.path({ resource, name, subresource, namespace: namespace ?? this.#stage.namespace });
  }

  /** Steps with `answer` compare the reply; the others must succeed. */
  #answer({ code, body }: Reply, step: Json, { answer, golden }: Step): string[] {
    if (!answer) {
      if (code < 300) return [];
      const name = step.name ?? step.object?.metadata?.name ?? '';
      throw new Error(`${step.do} ${step.object?.kind ?? step.resource} ${name}: ${code} ${body.message}`);
    }
    const { reason, message, details } = body;
    const rest = code >= 300 ? { reason, message, causes: details?.causes } : pick(body, step.fields ?? []);
    return changes(golden, JSON.parse(JSON.stringify(this.#stage.names.value({ code, ...rest }))));
  }

  async #create(step: Json, raw: Step): Promise<string[]> {
    const { object } = step;
    const { metadata } = object;
    const { resource, namespaced } = await this.#api.resourceOf(object);
    const namespace = namespaced ? (metadata.namespace ?? this.#stage.namespace) : undefined;
    this.#learnNames(object);
    if (metadata.finalizers?.length) this.#stage.held.push({ resource, namespace, name: metadata.name });
    if (resource === 'v1/namespaces' && !raw.answer) {
      this.#stage.made.push({ resource, name: metadata.name });
      await this.#stage.makeNamespace(metadata.name, metadata);
      return [];
    }
    const reply = await this.#api.request('POST', await this.#api.path({ resource, namespace }), object);
    const name = reply.body.metadata?.name ?? metadata.name;
    if (!namespaced && reply.code < 300) this.#stage.made.push({ resource, name });
    if (object.status && !raw.answer) {
      const path = await this.#api.path({ resource, namespace, name, subresource: 'status' });
      await this.#api.must('PATCH', path, { status: object.status }, mergePatch);
    }
    return this.#answer(reply, step, raw);
  }

  #learnNames({ metadata, spec }: Json): void {
    const { names } = this.#stage;
    names.learnBase(metadata.generateName ? metadata.generateName.replace(/-$/, '') : metadata.name);
    for (const { name } of spec?.resourceClaims ?? []) names.learnBase(`${metadata.name}-${name}`);
    for (const { nodePort } of spec?.ports ?? []) if (nodePort) names.learnPort(nodePort);
  }

  async #apply(step: Json, raw: Step): Promise<string[]> {
    const { object } = step;
    const { resource } = await this.#api.resourceOf(object);
    const path = await this.#path({ resource, ...object.metadata });
    this.#stage.names.learnBase(object.metadata.name);
    const query = `fieldManager=${step.manager ?? 'scenario'}${step.force ? '&force=true' : ''}`;
    const reply = await this.#api.request('PATCH', `${path}?${query}`, object, 'application/apply-patch+yaml');
    return this.#answer(reply, step, raw);
  }

  async #patch(step: Json, raw: Step): Promise<string[]> {
    const { resource, name, patch, type = 'merge', namespace = this.#stage.namespace } = step;
    if (patch?.metadata?.finalizers) this.#stage.held.push({ resource, namespace, name });
    const path = await this.#path(step);
    for (let tries = 1; ; tries++) {
      const reply = await this.#api.request('PATCH', path, patch, patchTypes[type]!);
      if (reply.code !== 409 || raw.answer || tries === conflictTries) return this.#answer(reply, step, raw);
    }
  }

  /** What a scheduler would do: one `pod`, or the first `count` unbound of `pods`. */
  async #bind(step: Json, raw: Step): Promise<string[]> {
    let names: string[] = [step.pod];
    if (step.pods) {
      const areThere = async () => {
        const unbound = (await this.#stage.pods(step.pods)).filter(({ spec }) => !spec.nodeName);
        names = unbound.slice(0, step.count).map(({ metadata }) => metadata.name);
        return unbound.length >= step.count;
      };
      await this.#stage.until(areThere, () => `${step.count} unbound pods`);
    }
    const problems: string[] = [];
    for (const name of names) {
      const target = { apiVersion: 'v1', kind: 'Node', name: step.node };
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
      const path = `/api/v1/namespaces/${this.#stage.namespace}/pods/${name}/binding`;
      problems.push(...this.#answer(await this.#api.request('POST', path, binding), step, raw));
    }
    return problems;
  }

  async #wait(step: Json): Promise<void> {
    let last: Json;
    const holds = async () => {
      last = await look(this.#stage, step as Look);
      if (step.absent) return last === null;
      if (step.count !== undefined) return Array.isArray(last) && last.length === step.count;
      if (last === null) return false;
      const wanted = Object.entries(step.equals);
      return wanted.every(
        ([path, value]) => canonical(last[path] ?? null) === canonical(this.#stage.names.value(value)),
      );
    };
    await this.#stage.until(holds, () => `${canonical(step)} (now ${canonical(last)})`, step.timeout);
  }

  /** Waits for what was recorded, and that it stays. */
  async #record(step: Json, golden: Json): Promise<string[]> {
    const stayMs = Math.max(holdMs, (step.hold ?? 0) * 1000);
    const end = Date.now() + (step.timeout ?? this.#stage.patienceSeconds) * 1000 + stayMs;
    let since: number | undefined;
    for (let looks = 0; ; looks++) {
      await this.#stage.tick();
      const now = await lookAtAll(this.#stage, step.what);
      if (canonical(now) === canonical(golden)) {
        since ??= Date.now();
        if (Date.now() - since >= stayMs) return [];
      } else since = undefined;
      if (Date.now() > end) return changes(golden, now);
      await pause(looks);
    }
  }
}
