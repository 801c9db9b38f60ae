// One story, to both sides.
import type { Side } from './side.ts';
import { differences, snapshot } from './snapshot.ts';
import type { Step, Story } from './stories.ts';

const patchTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;
const mostConflicts = 5;
const laterLooks = 3;
const laterLookMs = 2_500;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const fromNow = (seconds: string) => new Date(Date.now() + Number(seconds) * 1000);

/** `{ns}`, `{time:-60}` and `{cron:-300}` in every string; `{uid:…}` is filled in for each side. */
export function fill(step: Step, namespace: string): Step {
  const text = JSON.stringify(step)
    .replaceAll('{ns}', namespace)
    .replace(/\{time:(-?\d+)\}/g, (_, seconds) => fromNow(seconds).toISOString().replace(/\.\d+/, ''))
    .replace(/\{cron:(-?\d+)\}/g, (_, seconds) => {
      const then = fromNow(seconds);
      return `${then.getUTCMinutes()} ${then.getUTCHours()} * * *`;
    });
  return JSON.parse(text);
}

async function create(side: Side, object: Extract<Step, { do: 'create' }>['object']): Promise<string> {
  const { status, ...rest } = object;
  const { code, body } = await side.ask('POST', side.pathOf(object.kind), rest);
  if (status && code < 300) {
    const path = `${side.pathOf(object.kind, body.metadata.name)}/status`;
    await side.ask('PATCH', path, { status }, patchTypes.merge);
  }
  return answer(code, body);
}

const uids = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const answer = (code: number, body: { message?: string }) =>
  code < 300 ? String(code) : `${code} ${body.message?.replace(uids, '<uid>')}`;

const isWait = (step: Step | undefined) => step?.do === 'wait' || step?.do === 'live';

/** `{uid:ConfigMap/a}`, or by a path: each side has uids of its own. */
async function identify(side: Side, step: Step): Promise<Step> {
  let text = JSON.stringify(step);
  for (const [mark, named] of text.matchAll(/\{uid:([^}]+)\}/g)) {
    const [kind, name] = named!.split('/');
    const { body } = await side.ask('GET', named!.startsWith('/') ? named! : side.pathOf(kind!, name));
    text = text.replaceAll(mark, body.metadata?.uid ?? '');
  }
  return JSON.parse(text);
}

/** What was answered: the code, and the message of an error. */
async function act(side: Side, made: Step): Promise<string> {
  const step = await identify(side, made);
  switch (step.do) {
    case 'pods':
      side.policy = step.policy;
      return '';
    case 'measure':
      side.metrics?.measure(side.namespace, step.figures);
      return '';
    case 'wait':
      await sleep(step.seconds * 1000);
      return '';
    case 'live':
      await side.live(step.seconds * 1000);
      return '';
    case 'say':
      await side.say(new RegExp(step.names), step.wish);
      return '';
    case 'create':
      return create(side, step.object);
    case 'post': {
      const path = `${side.pathOf(step.kind, step.name)}/${step.subresource}`;
      const { code, body } = await side.ask('POST', path, step.object);
      return answer(code, body);
    }
    case 'patch': {
      const path = `${side.pathOf(step.kind, step.name)}${step.subresource ? `/${step.subresource}` : ''}`;
      for (let tries = 0; ; tries++) {
        const { code, body } = await side.ask('PATCH', path, step.patch, patchTypes[step.type ?? 'strategic']);
        if (code !== 409 || tries === mostConflicts) return answer(code, body);
      }
    }
    case 'deleteAll': {
      for (const { metadata } of await side.list(step.kind))
        await side.ask('DELETE', side.pathOf(step.kind, metadata.name));
      return '';
    }
    case 'delete': {
      const options = {
        ...(step.propagation ? { propagationPolicy: step.propagation } : {}),
        ...(step.grace === undefined ? {} : { gracePeriodSeconds: step.grace }),
      };
      const { code, body } = await side.ask('DELETE', side.pathOf(step.kind, step.name), options);
      return answer(code, body);
    }
  }
}

/** The first step after which the two differ, and how. */
export async function play(story: Story, sides: readonly [Side, Side]): Promise<string[]> {
  for (const side of sides) {
    await side.ask('POST', '/api/v1/namespaces', { metadata: { name: side.namespace } });
    const account = `/api/v1/namespaces/${side.namespace}/serviceaccounts/default`;
    while ((await side.ask('GET', account)).code !== 200) await sleep(100);
  }
  const compare = async () => {
    const [theirs, ours] = await Promise.all(
      sides.map(async (side) => snapshot(await side.everything(), side.namespace)),
    );
    return differences(theirs!, ours!);
  };
  for (const [index, made] of story.steps.entries()) {
    const step = fill(made, sides[0].namespace);
    const [theirs, ours] = await Promise.all(sides.map((side) => act(side, step)));
    // What comes in its own time is looked at after the wait.
    if (isWait(story.steps[index + 1])) continue;
    await Promise.all(sides.map((side) => side.settle()));
    let found = await compare();
    // Something may wait for its time: a second, longer look.
    for (let look = 0; found.length > 0 && look < laterLooks; look++) {
      await sleep(laterLookMs);
      await Promise.all(sides.map((side) => side.settle()));
      found = await compare();
    }
    if (theirs !== ours) found.push(`answer: upstream ${theirs}, ours ${ours}`);
    if (found.length > 0)
      return [
        `step ${index}: ${JSON.stringify(step)
          .replace(/LS0tLS1[^"]{40,}/g, '…')
          .slice(0, 900)}`,
        ...found,
      ];
  }
  return [];
}
