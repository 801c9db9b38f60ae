// Pulling from a private registry with TLS, by a real containerd. Skipped where one of them is missing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Pod, Secret } from '../../../generated/core-v1.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { PodEvents } from '../events.ts';
import { containerdVersion, ensureContainerd, stopContainerd } from '../runtime/containerd-daemon.ts';
import { createCriRuntime } from '../runtime/cri/cri-runtime.ts';
import type { ContainerRuntime, SandboxConfig } from '../runtime/runtime.ts';
import { builtImages, lacksImages } from '../testing/built-images.ts';
import { hasDockerRegistry, type PrivateRegistry, startPrivateRegistry } from '../testing/private-registry.ts';
import { createCredentialProviders } from './credential-provider.ts';
import { readCredentialProviders } from './credential-provider-config.ts';
import { type ImageAnswer, ImagePuller, type ImagePullerOptions, type ImageRequest } from './image-puller.ts';
import { createPullRecords } from './pull-records.ts';

const run = promisify(execFile);
const lacks =
  process.getuid?.() !== 0
    ? 'needs root'
    : (await containerdVersion()) === undefined
      ? 'needs containerd'
      : hasDockerRegistry()
        ? (lacksImages() ?? false)
        : 'needs docker-registry';

describe('images of a private registry', { skip: lacks }, () => {
  const dir = lacks ? '' : mkdtempSync(join(tmpdir(), 'img-'));
  let runtime: ContainerRuntime;
  let registry: PrivateRegistry;
  let app: string;
  let said: string[] = [];
  const events: PodEvents = {
    pod: (_pod, type, reason, message) => void said.push(`${type} ${reason} ${message}`),
    container: (_pod, container, type, reason, message) => void said.push(`${container}: ${type} ${reason} ${message}`),
  };
  const pullerWith = (options: Partial<ImagePullerOptions> = {}) =>
    new ImagePuller({ runtime, events, clock: systemClock, ...options });
  const pod = (name: string, account?: string): Pod => ({
    metadata: { name, namespace: 'ns', uid: `uid-${name}` },
    spec: { containers: [], ...(account ? { serviceAccountName: account } : {}) },
  });
  const ask = async (puller: ImagePuller, wish: Partial<ImageRequest>): Promise<ImageAnswer> => {
    said = [];
    const { signal } = new AbortController();
    const sandbox = {} as SandboxConfig;
    return puller.ensure({ pod: pod('p'), image: app, container: 'c', sandbox, pullSecrets: [], signal, ...wish });
  };
  const secret = (name: string, password = registry.password): Secret => {
    const auth = Buffer.from(`${registry.user}:${password}`).toString('base64');
    const config = JSON.stringify({ auths: { [`https://${registry.host}/v2/`]: { auth } } });
    return {
      metadata: { name, namespace: 'ns', uid: `uid-${name}` },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from(config).toString('base64') },
    };
  };
  const forgetImage = async () => {
    const present = await runtime.imageStatus(app);
    if (present) await runtime.removeImage(present.id);
  };

  before(async () => {
    mkdirSync(join(dir, 'cni'));
    registry = await startPrivateRegistry(join(dir, 'registry'));
    app = `${registry.host}/team/app:1`;
    const { socketPath } = await ensureContainerd({
      dataDir: join(dir, 'c'),
      sandboxImage: 'registry.k8s.io/pause:3.10',
      cniBinDir: '/usr/lib/cni',
      cniConfDir: join(dir, 'cni'),
      registryConfigDir: registry.hostsDir,
    });
    const ctr = (...args: string[]) => run('ctr', ['-a', socketPath, '-n', 'k8s.io', 'images', ...args]);
    for (const archive of builtImages) await ctr('import', archive);
    await ctr('tag', 'docker.io/library/busybox:1.36', app);
    const user = `${registry.user}:${registry.password}`;
    await ctr('push', '--hosts-dir', registry.hostsDir, '--user', user, app);
    await ctr('rm', app);
    runtime = createCriRuntime({ socketPath, log: silentLogger });
  });

  after(async () => {
    runtime.close();
    await stopContainerd(join(dir, 'c'));
    await registry.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('are not for pods without credentials, which wait longer each time', async () => {
    const puller = pullerWith();
    const refused = await ask(puller, {});
    assert.ok('reason' in refused);
    assert.equal(refused.reason, 'ErrImagePull');
    assert.match(refused.message, /^failed to pull and unpack image .*: .*(no basic auth credentials|401)/);
    assert.deepEqual(said, [
      `c: Normal Pulling Pulling image "${app}"`,
      `c: Warning Failed Failed to pull image "${app}": ${refused.message}`,
      'c: Warning Failed Error: ErrImagePull',
    ]);
    const again = await ask(puller, {});
    assert.ok('reason' in again);
    assert.equal(again.reason, 'ImagePullBackOff');
    assert.equal(again.message, `Back-off pulling image "${app}": ErrImagePull: ${refused.message}`);
    assert.deepEqual(said, [
      `c: Normal BackOff Back-off pulling image "${app}"`,
      'c: Warning Failed Error: ImagePullBackOff',
    ]);
  });

  it('are for pods that could pull them, and for no others, though they are here', async () => {
    const records = createPullRecords(join(dir, 'records'), () => systemClock.now());
    const puller = pullerWith({ records });
    const pulled = await ask(puller, { pullSecrets: [secret('wrong', 'guess'), secret('mine')] });
    assert.ok('image' in pulled);
    assert.match(
      said[1]!,
      /^c: Normal Pulled Successfully pulled image ".*" in [\d.]+m?s \([\d.]+m?s including waiting\)\. Image size: \d+ bytes\.$/,
    );

    assert.ok('image' in (await ask(puller, { pod: pod('friend'), pullSecrets: [secret('mine')] })));
    const present = `c: Normal Pulled Container image "${app}" already present on machine and can be accessed by the pod`;
    assert.deepEqual(said, [present]);
    assert.ok('image' in (await ask(puller, { pod: pod('copy'), pullSecrets: [secret('copy-of-mine')] })));
    assert.deepEqual(said, [present]);

    const stranger = await ask(puller, { pod: pod('stranger') });
    assert.ok('reason' in stranger && stranger.reason === 'ErrImagePull');
    const quiet = await ask(puller, { pod: pod('stranger'), policy: 'Never' });
    assert.ok('reason' in quiet && quiet.reason === 'ErrImageNeverPull');
    assert.equal(quiet.message, `Container image "${app}" is not present with pull policy of Never`);

    const preloaded = await ask(puller, { image: 'registry.k8s.io/pause:3.10', pod: pod('stranger') });
    assert.ok('image' in preloaded, 'what was imported is for everybody');
    const restarted = pullerWith({ records: createPullRecords(join(dir, 'records'), () => systemClock.now()) });
    assert.ok('reason' in (await ask(restarted, { pod: pod('late') })), 'the agent knows it after a restart, too');
  });

  it('are pulled by their digest', async () => {
    const { repoDigests } = (await runtime.imageStatus(app))!;
    const digest = repoDigests.find((each) => each.startsWith(registry.host))!;
    await forgetImage();
    const pulled = await ask(pullerWith(), { image: digest, pullSecrets: [secret('mine')] });
    assert.ok('image' in pulled);
    assert.ok(pulled.image.repoDigests.includes(digest));
  });

  it('are pulled with what a credential provider gives for the service account', async () => {
    await forgetImage();
    const binDir = join(dir, 'bin');
    mkdirSync(binDir);
    const answer = JSON.stringify({
      kind: 'CredentialProviderResponse',
      apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
      cacheKeyType: 'Registry',
      auth: { [registry.host]: { username: registry.user, password: registry.password } },
    });
    const script = `#!/bin/sh\n{ cat; echo; echo "$COLOR $1"; } >> ${dir}/asked\ncat <<'END'\n${answer}\nEND\n`;
    writeFileSync(join(binDir, 'helper'), script, { mode: 0o755 });
    const config = join(dir, 'providers.yaml');
    writeFileSync(
      config,
      JSON.stringify({
        kind: 'CredentialProviderConfig',
        apiVersion: 'kubelet.config.k8s.io/v1',
        providers: [
          {
            name: 'helper',
            apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
            matchImages: ['127.0.*.1', `127.0.*.1:${registry.host.split(':')[1]}/team`],
            defaultCacheDuration: '1h',
            args: ['give'],
            env: [{ name: 'COLOR', value: 'blue' }],
            tokenAttributes: {
              serviceAccountTokenAudience: 'registry',
              cacheType: 'ServiceAccount',
              requireServiceAccount: true,
              requiredServiceAccountAnnotationKeys: ['example.com/role'],
            },
          },
        ],
      }),
    );
    const providers = createCredentialProviders({
      providers: await readCredentialProviders({ config, binDir }),
      binDir,
      accounts: {
        serviceAccount: async (namespace, name) => ({
          metadata: {
            namespace,
            name,
            uid: `uid-${name}`,
            annotations: name === 'robot' ? { 'example.com/role': 'r' } : {},
          },
        }),
        token: async ({ metadata }, audience) => `token-of-${metadata.name}-for-${audience}`,
      },
      clock: systemClock,
      log: silentLogger,
    });
    const records = createPullRecords(join(dir, 'records-2'), () => systemClock.now());
    const puller = pullerWith({ records, providers });
    assert.ok('reason' in (await ask(puller, { pod: pod('plain', 'default') })), 'the account lacks the annotation');
    assert.ok('image' in (await ask(puller, { pod: pod('one', 'robot') })));
    assert.ok('image' in (await ask(puller, { pod: pod('two', 'robot'), policy: 'Always' })));
    const [question, ...rest] = readFileSync(join(dir, 'asked'), 'utf8').trim().split('\n');
    assert.deepEqual(JSON.parse(question!), {
      kind: 'CredentialProviderRequest',
      apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
      image: `${registry.host}/team/app`,
      serviceAccountToken: 'token-of-one-for-registry',
      serviceAccountAnnotations: { 'example.com/role': 'r' },
    });
    assert.deepEqual(rest, ['blue give'], 'its answer is kept for the registry');
    const other = await ask(puller, { pod: pod('three', 'default') });
    assert.ok('reason' in other, 'what an account pulled is not for other accounts');
  });
});
