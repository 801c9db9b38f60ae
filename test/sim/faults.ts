// What goes wrong, chosen by the seed.

import { nodeKind } from '../../generated/kinds.ts';
import { StatusError } from '../../src/api/meta/status-error.ts';
import type { Random } from '../../src/base/random.ts';
import { fairWeather, type Weather } from './link.ts';
import { below, chance, draw, pick } from './objects.ts';
import type { Ask } from './users.ts';
import type { Member, World } from './world.ts';

interface Context {
  readonly world: World;
  readonly random: Random;
  readonly ask: Ask;
}

export function weather(random: Random): Weather {
  const share = (rate: number) => (chance(random, 0.5) ? rate * random.next() : 0);
  return {
    delayMs: pick(random, [0, 0, 20, 200, 2_000, 10_000]),
    lagMs: pick(random, [0, 0, 20, 200, 2_000, 10_000]),
    lossRate: share(0.3),
    lostAnswerRate: share(0.15),
    conflictRate: share(0.3),
    cutRate: share(0.1),
    expiredRate: share(0.3),
  };
}

const isNode = ({ name }: Member) => name.startsWith('node-');

function changeWeather({ world, random }: Context): string {
  const member = pick(random, world.members);
  world.setWeather(member, chance(random, 0.35) ? fairWeather : weather(random));
  return `weather of ${member.name}: ${JSON.stringify(member.weather)}`;
}

function restart({ world, random }: Context): string {
  const member = pick(
    random,
    world.members.filter(({ link }) => link),
  );
  if (!member) return 'nobody to restart';
  world.kill(member);
  world.revive(member);
  return `restart ${member.name}`;
}

function stopOrStart({ world, random }: Context): string {
  const member = pick(random, world.members);
  if (!member.link) {
    world.revive(member);
    return `start ${member.name}`;
  }
  world.kill(member);
  return `stop ${member.name}`;
}

function partition({ world, random }: Context): string {
  const member = pick(random, world.members);
  world.setDown(member, !member.isDown);
  return `${member.name} is ${member.isDown ? 'cut off' : 'back'}`;
}

async function restartServer({ world, ask }: Context): Promise<string> {
  await ask(world.restartServer());
  return 'restart the API server';
}

function jump({ world, random }: Context): string {
  const byMs = pick(random, [-600_000, -60_000, -5_000, -500, 500, 5_000, 60_000, 600_000]);
  const isAll = chance(random, 0.4);
  const member = isAll ? undefined : pick(random, [...world.members, undefined]);
  const clocks = isAll
    ? [...world.members.map(({ clock }) => clock), world.serverClock]
    : [member?.clock ?? world.serverClock];
  for (const clock of clocks) clock.offsetMs += byMs;
  return `clock of ${isAll ? 'all' : (member?.name ?? 'the server')} jumps by ${byMs} ms`;
}

async function compact({ world, ask }: Context): Promise<string> {
  await ask(world.store.compact(world.store.revision));
  for (const { link } of world.members) link?.breakWatches();
  return 'compact the store and break all watches';
}

function breakWatches({ world, random }: Context): string {
  const member = pick(random, world.members);
  member.link?.breakWatches();
  return `break watches of ${member.name}`;
}

async function crashContainer({ world, random }: Context): Promise<string> {
  const machine = pick(random, world.machines);
  const running = await machine.running();
  if (running.length === 0) return 'nothing to crash';
  const victim = pick(random, running);
  machine.crash(victim.id, pick(random, [0, 1, 137]));
  return `crash a container of ${victim.pod}`;
}

function powerCycle({ world, random }: Context): string {
  const member = pick(random, world.members.filter(isNode));
  const machine = world.machines.find(({ name }) => name === member.name)!;
  world.kill(member);
  machine.powerOff();
  if (chance(random, 0.6)) world.revive(member);
  return `power ${member.link ? 'cycle' : 'off'} ${member.name}`;
}

/** Gone for good, as far as the cluster knows; the machine is off, so nothing runs there any more. */
async function removeNode({ world, random, ask }: Context): Promise<string> {
  const member = pick(random, world.members.filter(isNode));
  world.kill(member);
  world.machines.find(({ name }) => name === member.name)!.powerOff();
  try {
    await ask(world.client.resource(nodeKind).delete({ namespace: '', name: `${member.name}-0` }));
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
  }
  return `remove ${member.name}`;
}

const faults: readonly (readonly [weight: number, fault: (context: Context) => string | Promise<string>])[] = [
  [8, changeWeather],
  [4, restart],
  [3, stopOrStart],
  [4, partition],
  [1, restartServer],
  [2, jump],
  [1, compact],
  [2, breakWatches],
  [3, crashContainer],
  [1.5, powerCycle],
  [0.5, removeNode],
];

export async function goWrong(context: Context): Promise<string> {
  const [, fault] = draw(context.random, faults);
  return fault(context);
}

/** Everything works again. */
export function mend(world: World): void {
  world.serverClock.offsetMs = 0;
  for (const member of world.members) {
    world.setWeather(member, fairWeather);
    world.setDown(member, false);
    member.clock.offsetMs = 0;
    world.revive(member);
  }
}

export const delayOf = (random: Random): number => {
  const dice = random.next();
  if (dice < 0.45) return below(random, 300);
  if (dice < 0.85) return below(random, 4_000);
  if (dice < 0.98) return below(random, 40_000);
  return below(random, 400_000);
};
