// CredentialProviderConfig: which programs give credentials for which images. A file, or a folder of them.
import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { FieldErrors, path } from '../../api/meta/field-errors.ts';
import { qualifiedNameProblems } from '../../api/meta/names.ts';
import { readConfigurationFile } from '../../base/configuration-file.ts';
import { checkFields, type Fields } from '../../base/strict-fields.ts';
import { parseDuration } from '../../schema/time.ts';

export interface CredentialProvider {
  /** Of the program in the folder of programs. */
  readonly name: string;
  readonly matchImages: readonly string[];
  /** `12h`. */
  readonly defaultCacheDuration: string;
  /** Of requests and answers. */
  readonly apiVersion: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly tokenAttributes?: TokenAttributes;
}

export interface TokenAttributes {
  readonly serviceAccountTokenAudience: string;
  readonly cacheType: 'ServiceAccount' | 'Token';
  readonly requireServiceAccount: boolean;
  readonly requiredServiceAccountAnnotationKeys?: readonly string[];
  readonly optionalServiceAccountAnnotationKeys?: readonly string[];
}

const group = 'kubelet.config.k8s.io';
const configVersions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `${group}/${version}`);
const latest = 'credentialprovider.kubelet.k8s.io/v1';
const pluginVersions = [latest, `${latest}alpha1`, `${latest}beta1`];
const strings = { list: 'string' } as const;

const fields: Fields = {
  type: 'CredentialProviderConfig',
  fields: {
    kind: 'string',
    apiVersion: 'string',
    providers: {
      list: {
        type: 'CredentialProvider',
        fields: {
          name: 'string',
          matchImages: strings,
          defaultCacheDuration: 'duration',
          apiVersion: 'string',
          args: strings,
          env: { list: { type: 'ExecEnvVar', fields: { name: 'string', value: 'string' } } },
          tokenAttributes: {
            type: 'ServiceAccountTokenAttributes',
            fields: {
              serviceAccountTokenAudience: 'string',
              cacheType: 'string',
              requireServiceAccount: 'bool',
              requiredServiceAccountAnnotationKeys: strings,
              optionalServiceAccountAnnotationKeys: strings,
            },
          },
        },
      },
    },
  },
};

export interface CredentialProviderPlaces {
  /** A file, or a folder with `.json`, `.yaml` and `.yml` files. */
  readonly config: string;
  /** Folder of the programs. */
  readonly binDir: string;
}

/** @throws an error that says what is wrong with which file */
export async function readCredentialProviders({
  config,
  binDir,
}: CredentialProviderPlaces): Promise<CredentialProvider[]> {
  await stat(binDir).catch(() => {
    throw new Error(`plugin binary directory ${binDir} did not exist`);
  });
  const providers: CredentialProvider[] = [];
  for (const file of await configFiles(config)) {
    for (const provider of parse(await readFile(file, 'utf8'), file)) {
      if (providers.some(({ name }) => name === provider.name))
        throw new Error(`duplicate provider name ${JSON.stringify(provider.name)} found in configuration file(s)`);
      providers.push(provider);
    }
  }
  const errors = problemsOf(providers);
  if (!errors.isEmpty) throw new Error(`failed to validate credential provider config: ${errors.summary()}`);
  for (const { name } of providers) {
    const program = join(binDir, name);
    await access(program, constants.X_OK).catch(() => {
      throw new Error(`plugin binary executable ${program} did not exist`);
    });
  }
  return providers;
}

async function configFiles(config: string): Promise<string[]> {
  const found = await stat(config).catch((error: Error) => {
    throw new Error(`unable to access path ${JSON.stringify(config)}: ${error.message}`);
  });
  if (!found.isDirectory()) return [config];
  const files = (await readdir(config, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory() && ['.json', '.yaml', '.yml'].includes(extname(entry.name)))
    .map(({ name }) => join(config, name))
    .sort();
  if (files.length === 0) throw new Error(`no configuration files found in directory ${JSON.stringify(config)}`);
  return files;
}

function parse(text: string, file: string): readonly CredentialProvider[] {
  try {
    const kind = 'CredentialProviderConfig';
    const parsed: { providers?: CredentialProvider[] } = readConfigurationFile(text, {
      apiVersions: configVersions,
      kind,
    });
    checkFields(parsed, fields);
    for (const { defaultCacheDuration } of parsed.providers ?? [])
      if (defaultCacheDuration) parseDuration(defaultCacheDuration);
    return parsed.providers ?? [];
  } catch (error) {
    throw new Error(`error decoding config ${JSON.stringify(file)}: ${(error as Error).message}`);
  }
}

function problemsOf(providers: readonly CredentialProvider[]): FieldErrors {
  const errors = new FieldErrors();
  const at = path('providers');
  if (providers.length === 0) errors.required(at, 'at least 1 item in plugins is required');
  for (const { name = '', apiVersion, matchImages, defaultCacheDuration, tokenAttributes } of providers) {
    const named = at.child('name');
    if (name.includes('/')) errors.invalid(named, name, "provider name cannot contain '/'");
    if (name.includes(' ')) errors.invalid(named, name, 'provider name cannot contain spaces');
    if (name === '.' || name === '..') errors.invalid(named, name, `provider name cannot be '${name}'`);
    if (!apiVersion) errors.required(at.child('apiVersion'));
    else if (!pluginVersions.includes(apiVersion))
      errors.notSupported(at.child('apiVersion'), apiVersion, pluginVersions);
    if (!matchImages?.length) errors.required(at.child('matchImages'), 'at least 1 item in matchImages is required');
    const duration = at.child('defaultCacheDuration');
    if (defaultCacheDuration === undefined) errors.required(duration);
    else if (defaultCacheDuration.startsWith('-'))
      errors.invalid(duration, defaultCacheDuration, 'must be greater than or equal to 0');
    if (tokenAttributes) addTokenProblems(errors, tokenAttributes, apiVersion);
  }
  return errors;
}

function addTokenProblems(errors: FieldErrors, attributes: Partial<TokenAttributes>, apiVersion: string): void {
  const at = path('providers', 'tokenAttributes');
  const { serviceAccountTokenAudience, requireServiceAccount, cacheType } = attributes;
  const required = attributes.requiredServiceAccountAnnotationKeys ?? [];
  const optional = attributes.optionalServiceAccountAnnotationKeys ?? [];
  if (!serviceAccountTokenAudience) errors.required(at.child('serviceAccountTokenAudience'));
  if (requireServiceAccount === undefined) errors.required(at.child('requireServiceAccount'));
  if (apiVersion !== latest) errors.forbidden(at, `tokenAttributes is only supported for ${latest} API version`);
  if (requireServiceAccount === false && required.length > 0) {
    const why = 'requireServiceAccount cannot be false when requiredServiceAccountAnnotationKeys is set';
    errors.forbidden(at.child('requiredServiceAccountAnnotationKeys'), why);
  }
  addKeyProblems(errors, 'requiredServiceAccountAnnotationKeys', required);
  addKeyProblems(errors, 'optionalServiceAccountAnnotationKeys', optional);
  const both = [...new Set(required)].filter((key) => optional.includes(key)).sort();
  if (both.length > 0) errors.invalid(at, both, 'annotation keys cannot be both required and optional');
  const types = ['ServiceAccount', 'Token'];
  if (!cacheType) {
    const why = `cacheType is required to be set when tokenAttributes is specified. Supported values are: ${types.join(', ')}`;
    errors.required(at.child('cacheType'), why);
  } else if (!types.includes(cacheType)) errors.notSupported(at.child('cacheType'), cacheType, types);
}

function addKeyProblems(errors: FieldErrors, field: string, keys: readonly string[]): void {
  const at = path('providers', 'tokenAttributes', field);
  const seen = new Set<string>();
  for (const key of keys) {
    for (const problem of qualifiedNameProblems(key.toLowerCase())) errors.invalid(at, key, problem);
    if (seen.has(key)) errors.duplicate(at, key);
    seen.add(key);
  }
}
