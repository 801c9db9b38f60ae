// YAML at the edge. Nothing behind it knows YAML. The printer is loaded when the first client asks for it.

type Printer = (value: unknown) => string;

let printer: Printer | undefined;

/** To be awaited once before `yamlPrinter`. */
export async function loadYaml(): Promise<void> {
  printer ??= (await import('../../base/yaml.ts')).stringifyYaml;
}

export function yamlPrinter(): Printer {
  if (!printer) throw new Error('loadYaml has not run');
  return printer;
}

export async function toYaml(value: unknown): Promise<string> {
  await loadYaml();
  return yamlPrinter()(value);
}
