// The program that KUBEBUILDER_ASSETS/kube-apiserver starts.
import { runApiServer } from './apiserver.ts';
import { apiServerLaunch, parseApiServerFlags } from './apiserver-options.ts';
import { runProgram } from './program.ts';

await runProgram('kube-apiserver', async (args, signal) =>
  runApiServer(apiServerLaunch(parseApiServerFlags(args)), signal),
);
