// A program that runs until it is asked to stop, and says on standard error why it could not.

/** Ends the process: 0 after SIGTERM or SIGINT, 1 when it failed. */
export async function runProgram(
  name: string,
  run: (args: readonly string[], signal: AbortSignal) => Promise<void>,
): Promise<never> {
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Whoever asks twice does not want to wait.
      if (stopping.signal.aborted) process.exit(1);
      stopping.abort();
    });
  }
  // Whoever reads our output may end first.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  try {
    await run(process.argv.slice(2), stopping.signal);
    process.exit(0);
  } catch (error) {
    const shown = process.env['CORACLE_DEBUG'] ? (error as Error).stack : (error as Error).message;
    process.stderr.write(`Error: ${shown}\n${name} of Coracle; see "${name} --help" for its flags\n`);
    process.exit(1);
  }
}
