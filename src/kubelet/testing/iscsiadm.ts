// A stand-in for open-iscsi's iscsiadm: the kernels that tests run on have no SCSI, so that the real one cannot log in anywhere.
// It takes the arguments that the real one (2.1.8) takes, refuses those that it refuses, with its exit statuses and the words
// of its messages, and keeps records in the same files; CHAP is checked by what stands in them. "Logged in" means that
// files are attached as loop devices, and that sysfs and by-path look as the kernel and udev would have them look.
// All is below the folder $ISCSI_STAND_IN: model.json (the targets), records, sys, by-path, calls (one line each).
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { TargetModel } from './iscsi-targets.ts';

const root = process.env.ISCSI_STAND_IN!;
const model: TargetModel = JSON.parse(readFileSync(join(root, 'model.json'), 'utf8'));
const records = join(root, 'records');
const sys = join(root, 'sys');

function end(status: number, message = ''): never {
  if (message) process.stderr.write(`iscsiadm: ${message}\n`);
  process.exit(status);
}

appendFileSync(join(root, 'calls'), `${JSON.stringify(process.argv.slice(2))}\n`);
const short = (letter: string) => ({ type: 'string', short: letter }) as const;
const options = {
  mode: short('m'),
  op: short('o'),
  portal: short('p'),
  targetname: short('T'),
  interface: short('I'),
  type: short('t'),
  name: short('n'),
  value: short('v'),
  login: { type: 'boolean', short: 'l' },
  logout: { type: 'boolean', short: 'u' },
  discover: { type: 'boolean', short: 'D' },
} as const;
const given = (() => {
  try {
    return parseArgs({ options, strict: true }).values;
  } catch (error) {
    return end(7, (error as Error).message);
  }
})();
const allowed: Record<string, readonly string[]> = {
  discoverydb: ['portal', 'interface', 'type', 'op', 'name', 'value', 'login', 'discover'],
  node: ['portal', 'interface', 'targetname', 'op', 'name', 'value', 'login', 'logout'],
  iface: ['interface', 'op', 'name', 'value'],
};
const { mode = '', op = '', portal = '', targetname = '', interface: iface = 'default', name, value } = given;
for (const each of Object.keys(given))
  if (each !== 'mode' && !allowed[mode]?.includes(each))
    end(7, `${mode} mode: option '${each}' is not allowed/supported`);
if (op === 'update' && (name === undefined || value === undefined))
  end(7, '--name and --value are required for update');
if (!['', 'new', 'delete', 'update', 'show'].includes(op)) end(7, `cannot recognize operator: ${op}`);
const [, address = '', port = '3260'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(portal) ?? [];

function readRecord(file: string): Map<string, string> {
  const lines = readFileSync(file, 'utf8').split('\n');
  return new Map(
    lines.filter((line) => line.includes(' = ')).map((line) => line.split(/ = (.*)/s, 2) as [string, string]),
  );
}

function writeRecord(file: string, values: ReadonlyMap<string, string>): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const lines = [...values].map(([key, each]) => `${key} = ${each}`);
  writeFileSync(file, `# BEGIN RECORD 2.1.8\n${lines.join('\n')}\n# END RECORD\n`, { mode: 0o600 });
}

function update(file: string, key: string, to: string): void {
  writeRecord(file, readRecord(file).set(key, to));
}

/** Whether a record has the name and password that are asked for. */
function passes(record: ReadonlyMap<string, string>, prefix: string, chap: TargetModel['discoveryChap']): boolean {
  if (!chap) return true;
  const has = (key: string) => record.get(`${prefix}${key}`);
  return has('authmethod') === 'CHAP' && has('username') === chap.username && has('password') === chap.password;
}

function ifaceMode(): void {
  const file = join(records, 'ifaces', iface);
  const isDefault = iface === 'default';
  if (op === 'new') {
    writeRecord(
      file,
      new Map([
        ['iface.iscsi_ifacename', iface],
        ['iface.transport_name', 'tcp'],
      ]),
    );
    return;
  }
  if (!isDefault && !existsSync(file)) end(op === 'delete' ? 7 : 6, `Could not read iface info for ${iface}.`);
  if (op === 'delete' && isDefault) end(7, 'iface default is a special interface and cannot be deleted.');
  if (op === 'delete') {
    rmSync(file);
    return;
  }
  if (op === 'update') {
    update(file, name!, value!);
    return;
  }
  const empty = ['iface.net_ifacename', 'iface.initiatorname'].map((key) => [key, '<empty>'] as const);
  const values = isDefault ? [['iface.transport_name', 'tcp'] as const] : readRecord(file);
  for (const [key, each] of new Map([['iface.iscsi_ifacename', iface], ...empty, ...values]))
    process.stdout.write(`${key} = ${each}\n`);
}

function discoverydbMode(): void {
  if (given.type !== 'sendtargets' && given.type !== 'st') end(7, 'a discovery type is needed');
  const folder = join(records, 'send_targets', `${address},${port}`);
  const file = join(folder, 'st_config');
  if (op === 'new') {
    writeRecord(
      file,
      new Map([
        ['discovery.type', 'sendtargets'],
        ['discovery.sendtargets.auth.authmethod', 'None'],
      ]),
    );
    return;
  }
  if (!existsSync(file)) end(6, `Discovery record [${address},${port}] not found.`);
  if (op === 'update') {
    update(file, name!, value!);
    return;
  }
  if (op === 'delete') {
    rmSync(folder, { recursive: true });
    return;
  }
  if (!given.discover) end(7, 'nothing to do');
  if (!model.portals.includes(`${address}:${port}`)) {
    process.stderr.write(`iscsiadm: cannot make connection to ${address}: Connection refused\n`);
    end(4, 'Could not perform SendTargets discovery: encountered connection failure');
  }
  if (!passes(readRecord(file), 'discovery.sendtargets.auth.', model.discoveryChap))
    end(24, 'Could not perform SendTargets discovery: iSCSI login failed due to authorization failure');
  for (const iqn of Object.keys(model.targets)) {
    const record = join(records, 'nodes', iqn, `${address},${port},1`, iface);
    writeRecord(
      record,
      new Map([
        ['node.name', iqn],
        ['node.session.auth.authmethod', 'None'],
        ['node.startup', 'manual'],
      ]),
    );
    const link = join(folder, `${iqn},${address},${port},1,${iface}`);
    rmSync(link, { force: true });
    symlinkSync(dirname(record), link);
    process.stdout.write(`${portal},1 ${iqn}\n`);
  }
}

const pathLink = (lun: string) => join(root, 'by-path', `ip-${address}:${port}-iscsi-${targetname}-lun-${lun}`);
const sessionFolder = (number: string) => join(sys, `class/iscsi_host/host${number}/device/session${number}`);

/** The number of the session, as the kernel has it. */
function findSession(): string | undefined {
  for (const host of readdirSync(join(sys, 'class/iscsi_host'))) {
    const number = host.slice('host'.length);
    const read = (file: string) => readFileSync(join(sessionFolder(number), file), 'utf8').trim();
    const about = `iscsi_session/session${number}`;
    const connection = `connection${number}:0/iscsi_connection/connection${number}:0`;
    const is = [`${about}/targetname`, `${about}/ifacename`, `${connection}/address`, `${connection}/port`].map(read);
    if (is.join() === [targetname, iface, address, port].join()) return number;
  }
  return undefined;
}

function put(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function logIn(record: string): void {
  if (findSession()) end(15, `default: 1 session requested, but 1 already present.`);
  const target = model.targets[targetname]!;
  const where = `[iface: ${iface}, target: ${targetname}, portal: ${address},${port}]`;
  if (!passes(readRecord(record), 'node.session.auth.', target.chap)) {
    process.stderr.write(`iscsiadm: Could not login to ${where}.\n`);
    end(24, 'initiator reported error (24 - iSCSI login failed due to authorization failure)');
  }
  const number = String(readdirSync(join(sys, 'class/iscsi_host')).length + process.pid);
  const session = sessionFolder(number);
  const connection = join(session, `connection${number}:0/iscsi_connection/connection${number}:0`);
  put(join(connection, 'address'), `${address}\n`);
  put(join(connection, 'port'), `${port}\n`);
  put(join(session, `iscsi_session/session${number}/ifacename`), `${iface}\n`);
  put(join(session, `iscsi_session/session${number}/targetname`), `${targetname}\n`);
  put(join(sys, `class/scsi_host/host${number}/scan`), '');
  for (const [lun, file] of Object.entries(target.luns)) {
    const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
    mkdirSync(join(session, `target${number}:0:0/${number}:0:0:${lun}/block`, device.slice('/dev/'.length)), {
      recursive: true,
    });
    put(join(sys, 'block', device.slice('/dev/'.length), 'device/delete'), '');
    if (!existsSync(pathLink(lun))) symlinkSync(device, pathLink(lun));
  }
  process.stdout.write(`Login to ${where} successful.\n`);
}

function logOut(): void {
  const number = findSession() ?? end(21, 'No matching sessions found');
  const units = join(sessionFolder(number), `target${number}:0:0`);
  const devices = (existsSync(units) ? readdirSync(units) : []).flatMap((unit) =>
    readdirSync(join(units, unit, 'block')),
  );
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  for (const device of devices) if (mounts.includes(` /dev/${device} `)) end(28, `${device} was mounted`);
  for (const lun of Object.keys(model.targets[targetname]!.luns)) rmSync(pathLink(lun), { force: true });
  for (const device of devices) {
    execFileSync('losetup', ['--detach', `/dev/${device}`]);
    rmSync(join(sys, 'block', device), { recursive: true });
  }
  rmSync(join(sys, `class/iscsi_host/host${number}`), { recursive: true });
  rmSync(join(sys, `class/scsi_host/host${number}`), { recursive: true });
}

function nodeMode(): void {
  if (given.logout) {
    logOut();
    return;
  }
  const folder = join(records, 'nodes', targetname, `${address},${port},1`);
  const record = join(folder, iface);
  if (!existsSync(record)) end(21, 'No records found');
  if (given.login) {
    logIn(record);
    return;
  }
  if (op === 'update') {
    update(record, name!, value!);
    return;
  }
  if (op !== 'delete') end(7, 'nothing to do');
  rmSync(record);
  for (const portalFolder of readdirSync(join(records, 'send_targets')))
    rmSync(join(records, 'send_targets', portalFolder, `${targetname},${address},${port},1,${iface}`), { force: true });
  for (const each of [folder, dirname(folder)]) if (readdirSync(each).length === 0) rmdirSync(each);
}

if (mode === 'iface') ifaceMode();
else if (mode === 'discoverydb') discoverydbMode();
else nodeMode();
