// Streams of a real node, by kubectl: round trip of exec, and bytes a second there and back, with nothing lost.
// node bench/streams.ts [MIB] [WHAT…]: `node bench/streams.ts 1024 cp logs` measures those alone, by both protocols.
import { TestCluster, whyNoContainers } from '../test/e2e/cluster.ts';
import {
  followLines,
  startPods,
  throughAttach,
  throughCopy,
  throughExec,
  throughPort,
  wantedSum,
} from '../test/e2e/transfers.ts';
import { type Figure, median, printAlone } from './report.ts';

const roundTrips = 10;

/** @param wanted beginnings of the names of ways; none: all of them */
export async function measureStreams(mebibytes = 64, wanted: readonly string[] = []): Promise<Figure[]> {
  const why = whyNoContainers();
  if (why) {
    console.error(`streams are not measured: it ${why}`);
    return [];
  }
  await using cluster = await TestCluster.create();
  await cluster.loadImages('pause', 'busybox', 'nginx');
  await startPods(cluster);
  const isWanted = (name: string) => wanted.length === 0 || wanted.some((each) => name.startsWith(each));
  const sum = await wantedSum(mebibytes);
  const pass = async (name: string, move: () => Promise<string>): Promise<Figure> => {
    const begunMs = performance.now();
    const got = await move();
    if (got !== sum) throw new Error(`${name}: ${mebibytes} MiB did not come as they were sent`);
    const seconds = (performance.now() - begunMs) / 1000;
    return { name: `streams: ${name}`, value: mebibytes / seconds, unit: 'MiB/s', isCost: false };
  };
  const trips: number[] = [];
  for (let i = 0; i < roundTrips; i++) {
    const begunMs = performance.now();
    await cluster.kubectl('exec web -- true');
    trips.push(performance.now() - begunMs);
  }
  const figures: Figure[] = [
    { name: 'streams: kubectl exec, there and back, p50', value: median(trips), unit: 'ms', isCost: true },
  ];
  for (const [what, through] of Object.entries(ways).filter(([name]) => isWanted(name)))
    for (const protocol of ['WebSocket', 'SPDY'] as const)
      figures.push(await pass(`${what}, ${protocol}`, () => through({ cluster, mebibytes, protocol })));
  if (!isWanted('logs')) return figures;
  const problem = async () => ((await followLines({ cluster, mebibytes }, 4)) === '' ? sum : 'other lines');
  return [...figures, await pass('logs, followed over rotations', problem)];
}

const ways = {
  'exec, in and out': throughExec,
  'attach, in and out': throughAttach,
  'cp, there and back': throughCopy,
  'port-forward, there and back': throughPort,
};

if (import.meta.main) await printAlone(() => measureStreams(Number(process.argv[2] ?? 64), process.argv.slice(3)));
