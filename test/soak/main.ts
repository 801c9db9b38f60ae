// `make soak`: what takes longer than a test may. EVENTS, WATCHERS, RESTARTS, ROUNDS and SEED change its size.
import { runKills } from './kill.ts';
import { runWatchOracle } from './watch-oracle.ts';

const size = (name: string, usual: number) => Number(process.env[name] ?? usual);
const seed = size('SEED', Date.now() % 1_000_000);
const started = performance.now();
const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
const say = (text: string) => console.log(`${seconds().padStart(5)} s  ${text}`);

say(`seed ${seed}`);
const events = size('EVENTS', 1_000_000);
let said = 0;
const watched = await runWatchOracle({
  events,
  watchers: size('WATCHERS', 2000),
  restarts: size('RESTARTS', 10),
  seed,
  onProgress(changes) {
    if (changes - said < events / 20) return;
    said = changes;
    say(`${changes} changes`);
  },
});
say(`watch oracle: ${watched.changes} changes; watchers were told ${watched.events} events, none lost, none twice;`);
say(`  cut off ${watched.cut} times, resumed ${watched.resumed} times, began anew ${watched.expired} times`);
const rounds = size('ROUNDS', 200);
const kills = await runKills(rounds, seed, (round) => {
  if (round % Math.ceil(rounds / 10) === 0) say(`${round} kills`);
});
say(`kill -9: ${kills.rounds} rounds, ${kills.acknowledged} acknowledged writes, none lost`);
