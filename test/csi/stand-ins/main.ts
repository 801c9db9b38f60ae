// One program for what stands in for upstream's parts that are not to be had as Go modules: `main.ts PART FLAGS…`.
const [part, ...args] = process.argv.slice(2);

process.once('SIGTERM', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));

switch (part) {
  case 'driver':
    await (await import('./driver.ts')).runDriver(args);
    break;
  case 'registrar':
    await (await import('./registrar.ts')).runRegistrar(args);
    break;
  default:
    console.error(`no such part: ${part}`);
    process.exit(2);
}
