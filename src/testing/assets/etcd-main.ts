// The program that KUBEBUILDER_ASSETS/etcd starts.
import { parseEtcdFlags, runEtcd } from './etcd.ts';
import { runProgram } from './program.ts';

await runProgram('etcd', async (args, signal) => runEtcd(parseEtcdFlags(args), signal));
