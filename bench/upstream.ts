// Upstream's control plane, started from binaries that you built, to be measured beside ours.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderKubeconfig } from '../src/cluster/kubeconfig.ts';
import { openPki, type Pki } from '../src/cluster/pki.ts';
import { residentMegabytes } from './processes.ts';
import { freePorts, untilServing } from './serving.ts';

const programs = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
type Program = (typeof programs)[number];

/** The folder of upstream's binaries; undefined, with a line that says how to get them, when there is none. */
export function upstreamFolder(): string | undefined {
  const folder = process.env['UPSTREAM_BIN'];
  if (folder && programs.every((program) => existsSync(join(folder, program)))) return folder;
  console.error(
    `no comparison with upstream: set UPSTREAM_BIN to a folder with ${programs.join(', ')} (go build the commands of the Go modules k8s.io/kubernetes v1.36.3 and go.etcd.io/etcd/server/v3 v3.6.8)`,
  );
  return undefined;
}

export class UpstreamControlPlane implements AsyncDisposable {
  readonly folder: string;
  readonly kubeconfig: string;
  apiReadyMs = 0;
  readonly #bin: string;
  readonly #children = new Map<Program, ChildProcess>();

  private constructor(bin: string, folder: string) {
    this.#bin = bin;
    this.folder = folder;
    this.kubeconfig = join(folder, 'kubeconfig');
  }

  static async start(bin: string): Promise<UpstreamControlPlane> {
    const folder = await mkdtemp(join(tmpdir(), 'coracle-bench-upstream-'));
    const plane = new UpstreamControlPlane(bin, folder);
    try {
      await plane.#start();
    } catch (error) {
      await plane[Symbol.asyncDispose]();
      throw error;
    }
    return plane;
  }

  residentMegabytes(): number {
    return residentMegabytes([...this.#children.values()].map(({ pid }) => pid!));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [...this.#children.values()].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const ports = await freePorts(5);
    const [api, etcd, peer] = [ports[0]!, ports[1]!, ports[2]!];
    const pki = await this.#identities(api);
    const began = performance.now();
    this.#spawn('etcd', [
      `--data-dir=${this.folder}/etcd`,
      `--listen-client-urls=http://127.0.0.1:${etcd}`,
      `--advertise-client-urls=http://127.0.0.1:${etcd}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      '--log-level=warn',
      `--quota-backend-bytes=${8 * 2 ** 30}`,
    ]);
    this.#spawn('kube-apiserver', apiServerFlags(pki.folder, api, etcd));
    await untilServing(api);
    this.apiReadyMs = performance.now() - began;
    this.#spawn('kube-controller-manager', [
      ...this.#controllerFlags(pki.folder),
      `--secure-port=${ports[3]}`,
      '--kube-api-qps=1000',
      '--kube-api-burst=2000',
      '--node-monitor-grace-period=900s',
    ]);
    this.#spawn('kube-scheduler', [
      `--kubeconfig=${this.kubeconfig}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${ports[4]}`,
      '--kube-api-qps=10000',
      '--kube-api-burst=10000',
    ]);
  }

  #controllerFlags(pki: string): string[] {
    return [
      `--kubeconfig=${this.kubeconfig}`,
      `--root-ca-file=${pki}/ca.crt`,
      `--service-account-private-key-file=${pki}/sa.key`,
      '--use-service-account-credentials',
      `--cluster-signing-cert-file=${pki}/ca.crt`,
      `--cluster-signing-key-file=${pki}/ca.key`,
      '--allocate-node-cidrs',
      '--cluster-cidr=10.244.0.0/16',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--bind-address=127.0.0.1',
    ];
  }

  async #identities(port: number): Promise<Pki> {
    const pki = await openPki(join(this.folder, 'pki'), Date.now());
    writeFileSync(join(pki.folder, 'sa.pub'), pki.serviceAccountKey.certificate);
    await pki.ensure({
      file: 'apiserver',
      commonName: 'kube-apiserver',
      hosts: ['localhost', '127.0.0.1', '10.96.0.1', 'kubernetes.default.svc'],
    });
    const admin = await pki.ensure({ file: 'admin', commonName: 'admin', organizations: ['system:masters'] });
    const access = {
      context: 'upstream',
      server: `https://127.0.0.1:${port}`,
      ca: pki.ca,
      certificate: admin.certificate,
      key: admin.key,
    };
    writeFileSync(this.kubeconfig, renderKubeconfig(access), { mode: 0o600 });
    await mkdir(join(this.folder, 'logs'));
    return pki;
  }

  #spawn(program: Program, flags: readonly string[]): void {
    const log = openSync(join(this.folder, 'logs', `${program}.log`), 'a');
    const child = spawn(join(this.#bin, program), [...flags], { stdio: ['ignore', log, log] });
    this.#children.set(program, child);
  }
}

function apiServerFlags(pki: string, port: number, etcd: number): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    `--tls-cert-file=${pki}/apiserver.crt`,
    `--tls-private-key-file=${pki}/apiserver.key`,
    `--client-ca-file=${pki}/ca.crt`,
    `--service-account-key-file=${pki}/sa.pub`,
    `--service-account-signing-key-file=${pki}/sa.key`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged',
    // Nothing is to be refused for there being too much of it.
    '--max-requests-inflight=4000',
    '--max-mutating-requests-inflight=2000',
  ];
}
