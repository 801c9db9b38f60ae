// containerd's config.toml: version 2 for 1.x, version 3 for 2.x.
import { join } from 'node:path';

export interface ContainerdConfig {
  readonly dataDir: string;
  readonly socketPath: string;
  readonly sandboxImage: string;
  readonly cniBinDir: string;
  readonly cniConfDir: string;
  readonly registryConfigDir?: string;
  readonly configVersion: 2 | 3;
  /** Without CAP_SYS_RESOURCE runc cannot lower oom_score_adj, and no sandbox would start. */
  readonly restrictOomScoreAdj: boolean;
}

// Plugins that need tools or kernels we do not ask for, or write outside the data directory; skipping them saves start-up.
const unwanted = [
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.internal.v1.opt',
  'io.containerd.internal.v1.tracing',
  'io.containerd.tracing.processor.v1.otlp',
  'io.containerd.nri.v1.nri',
];

/** In /run/netns nobody could tell whose a namespace is that containerd forgot. */
const networksHere = '  netns_mounts_under_state_dir = true';

const quote = (text: string): string => JSON.stringify(text);

export function renderContainerdConfig(config: ContainerdConfig): string {
  return [
    `version = ${config.configVersion}`,
    `root = ${quote(`${config.dataDir}/root`)}`,
    `state = ${quote(`${config.dataDir}/state`)}`,
    'oom_score = 0',
    `disabled_plugins = [${unwanted.map(quote).join(', ')}]`,
    '[grpc]',
    `  address = ${quote(config.socketPath)}`,
    '[ttrpc]',
    `  address = ${quote(`${config.socketPath}.ttrpc`)}`,
    ...(config.configVersion === 2 ? criVersion2(config) : criVersion3(config)),
    '',
  ].join('\n');
}

function criVersion2(config: ContainerdConfig): string[] {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return [
    `[${cri}]`,
    `  sandbox_image = ${quote(config.sandboxImage)}`,
    `  restrict_oom_score_adj = ${config.restrictOomScoreAdj}`,
    networksHere,
    '  stream_server_address = "127.0.0.1"',
    '  stream_server_port = "0"',
    '  max_container_log_line_size = 16384',
    '  tolerate_missing_hugetlb_controller = true',
    `  [${cri}.cni]`,
    `    bin_dir = ${quote(config.cniBinDir)}`,
    `    conf_dir = ${quote(config.cniConfDir)}`,
    `  [${cri}.containerd]`,
    '    default_runtime_name = "runc"',
    ...['runc', 'test-handler'].flatMap((handler) => [
      `    [${cri}.containerd.runtimes.${handler}]`,
      '      runtime_type = "io.containerd.runc.v2"',
      `      [${cri}.containerd.runtimes.${handler}.options]`,
      '        SystemdCgroup = false',
    ]),
    ...(config.registryConfigDir
      ? [`  [${cri}.registry]`, `    config_path = ${quote(config.registryConfigDir)}`]
      : []),
  ];
}

function criVersion3(config: ContainerdConfig): string[] {
  const runtime = `plugins.'io.containerd.cri.v1.runtime'`;
  const images = `plugins.'io.containerd.cri.v1.images'`;
  return [
    `[${runtime}]`,
    `  restrict_oom_score_adj = ${config.restrictOomScoreAdj}`,
    networksHere,
    '  max_container_log_line_size = 16384',
    '  tolerate_missing_hugetlb_controller = true',
    `  [${runtime}.cni]`,
    `    bin_dirs = [${quote(config.cniBinDir)}]`,
    `    conf_dir = ${quote(config.cniConfDir)}`,
    `  [${runtime}.containerd]`,
    '    default_runtime_name = "runc"',
    ...['runc', 'test-handler'].flatMap((handler) => [
      `    [${runtime}.containerd.runtimes.${handler}]`,
      '      runtime_type = "io.containerd.runc.v2"',
      `      [${runtime}.containerd.runtimes.${handler}.options]`,
      '        SystemdCgroup = false',
    ]),
    `[${images}]`,
    `  [${images}.pinned_images]`,
    `    sandbox = ${quote(config.sandboxImage)}`,
    ...(config.registryConfigDir
      ? [`  [${images}.registry]`, `    config_path = ${quote(config.registryConfigDir)}`]
      : []),
    `[plugins.'io.containerd.grpc.v1.cri']`,
    '  stream_server_address = "127.0.0.1"',
    '  stream_server_port = "0"',
  ];
}

/** Where containers are while they run, a folder each: with a shim, whether the daemon runs or not. */
export const taskFolder = (dataDir: string) => join(dataDir, 'state/io.containerd.runtime.v2.task/k8s.io');

/** Where the networks of pods are, a file each; 2.x has kept the name that the plugin had in 1.x. */
export const networkFolder = (dataDir: string) => join(dataDir, 'state/io.containerd.grpc.v1.cri/netns');
