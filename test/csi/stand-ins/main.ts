// One program for what stands in for upstream's parts that are not to be had as Go modules: `main.ts PART FLAGS…`.
const [part, ...given] = process.argv.slice(2);

/** Go's programs take one dash for two. */
const args = given.map((each) => each.replace(/^-(?=[a-z][a-z-]+)/, '--'));

process.once('SIGTERM', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));

switch (part) {
  case 'driver':
    if (args.some((each) => each.startsWith('--proxy-endpoint'))) await (await import('./proxy.ts')).runProxy(args);
    else await (await import('./driver.ts')).runDriver(args);
    break;
  case 'registrar':
    await (await import('./registrar.ts')).runRegistrar(args);
    break;
  case 'attacher':
    await (await import('./attacher.ts')).runAttacher(args);
    break;
  case 'liveness':
    await (await import('./liveness.ts')).runLiveness(args);
    break;
  case 'proxy':
    await (await import('./proxy.ts')).runProxy(args);
    break;
  case 'idle': // a sidecar that nothing here asks anything of
    setInterval(() => undefined, 1 << 30);
    break;
  default:
    console.error(`no such part: ${part}`);
    process.exit(2);
}
