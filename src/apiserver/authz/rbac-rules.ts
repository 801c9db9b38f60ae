// Which rules hold for a user: bindings indexed by subject, roles looked up when they are needed. The index is made again
// when a binding changes; what a user may do is remembered until any of the four kinds does.
import { clusterRoleBindingKind, clusterRoleKind, roleBindingKind, roleKind } from '../../../generated/kinds.ts';
import type { ClusterRoleBinding, PolicyRule, RoleBinding, RoleRef, Subject } from '../../../generated/rbac-v1.ts';
import { notFound } from '../../api/meta/status-error.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import { splitServiceAccount } from '../authn/users.ts';
import type { ObjectReader } from '../registry/object-reader.ts';

/** A rule and why it holds. */
export interface HeldRule {
  readonly rule: PolicyRule;
  /** `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"`. */
  readonly source: string;
}

export interface HeldRules {
  readonly rules: readonly HeldRule[];
  /** Bindings whose role is missing. */
  readonly errors: readonly string[];
}

type Binding = RoleBinding | ClusterRoleBinding;

interface Grant {
  /** Position among the bindings: the first that allows is the one that is named. */
  readonly order: number;
  readonly binding: Binding;
  readonly subject: Subject;
}

type BySubject = ReadonlyMap<string, readonly Grant[]>;

const maxRemembered = 5000;

export class RbacRules {
  readonly #objects: ObjectReader;
  #clusterIndex: { at: number; bySubject: BySubject } = { at: -1, bySubject: new Map() };
  #namespaceIndex: { at: number; byNamespace: Map<string, BySubject> } = { at: -1, byNamespace: new Map() };
  #remembered = new Map<string, HeldRules>();
  #rememberedAt: readonly number[] = [];

  constructor(objects: ObjectReader) {
    this.#objects = objects;
  }

  /** All rules that hold for the user in the namespace; '' is the cluster scope. */
  held(user: UserInfo, namespace: string): HeldRules {
    this.#forgetWhenChanged();
    const key = JSON.stringify([user.username, namespace, user.groups]);
    let held = this.#remembered.get(key);
    if (!held) {
      held = this.#resolve(user, namespace);
      if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
      this.#remembered.set(key, held);
    }
    return held;
  }

  /** @throws NotFound */
  ofRole(ref: Pick<RoleRef, 'kind' | 'name'>, namespace: string): readonly PolicyRule[] {
    const isCluster = ref.kind === 'ClusterRole';
    const role = isCluster
      ? this.#objects.find(clusterRoleKind, '', ref.name)
      : this.#objects.find(roleKind, namespace, ref.name);
    if (!role) throw notFound({ group: roleKind.group, name: isCluster ? 'clusterrole' : 'role' }, ref.name);
    return role.rules ?? [];
  }

  #resolve(user: UserInfo, namespace: string): HeldRules {
    const rules: HeldRule[] = [];
    const errors: string[] = [];
    for (const { binding, subject } of this.#grants(user, namespace)) {
      const { roleRef } = binding;
      try {
        const source = describeGrant(binding, subject);
        for (const rule of this.ofRole(roleRef, binding.metadata.namespace ?? '')) rules.push({ rule, source });
      } catch (error) {
        errors.push((error as Error).message);
      }
    }
    return { rules, errors };
  }

  #grants(user: UserInfo, namespace: string): Grant[] {
    const keys = subjectKeys(user);
    const pick = (index: BySubject) => {
      const grants = keys.flatMap((key) => index.get(key) ?? []).sort((a, b) => a.order - b.order);
      // A binding counts once, for the first of its subjects that the user is.
      return grants.filter((grant, position) => grants[position - 1]?.binding !== grant.binding);
    };
    return [...pick(this.#clusterBindings()), ...(namespace ? pick(this.#bindingsIn(namespace)) : [])];
  }

  #clusterBindings(): BySubject {
    const at = this.#objects.changedAt(clusterRoleBindingKind);
    if (this.#clusterIndex.at !== at) {
      this.#clusterIndex = { at, bySubject: indexBySubject(this.#objects.list(clusterRoleBindingKind)) };
    }
    return this.#clusterIndex.bySubject;
  }

  #bindingsIn(namespace: string): BySubject {
    const at = this.#objects.changedAt(roleBindingKind);
    if (this.#namespaceIndex.at !== at) this.#namespaceIndex = { at, byNamespace: new Map() };
    let index = this.#namespaceIndex.byNamespace.get(namespace);
    if (!index) {
      index = indexBySubject(this.#objects.list(roleBindingKind, namespace));
      this.#namespaceIndex.byNamespace.set(namespace, index);
    }
    return index;
  }

  #forgetWhenChanged(): void {
    const [a, b, c, d] = this.#rememberedAt;
    const objects = this.#objects;
    const now = [clusterRoleBindingKind, roleBindingKind, clusterRoleKind, roleKind].map((kind) =>
      objects.changedAt(kind),
    );
    if (a === now[0] && b === now[1] && c === now[2] && d === now[3]) return;
    this.#rememberedAt = now;
    this.#remembered = new Map();
  }
}

function indexBySubject(bindings: readonly Binding[]): BySubject {
  const index = new Map<string, Grant[]>();
  let order = 0;
  for (const binding of bindings) {
    for (const subject of binding.subjects ?? []) {
      const key = keyOfSubject(subject, binding.metadata.namespace ?? '');
      const grants = index.get(key);
      const grant = { order: order++, binding, subject };
      if (grants) grants.push(grant);
      else index.set(key, [grant]);
    }
  }
  return index;
}

function keyOfSubject(subject: Subject, bindingNamespace: string): string {
  if (subject.kind !== 'ServiceAccount') return `${subject.kind}:${subject.name}`;
  return `ServiceAccount:${subject.namespace || bindingNamespace}/${subject.name}`;
}

function subjectKeys({ username, groups }: UserInfo): string[] {
  const account = splitServiceAccount(username);
  return [
    `User:${username}`,
    ...groups.map((group) => `Group:${group}`),
    ...(account ? [`ServiceAccount:${account.namespace}/${account.name}`] : []),
  ];
}

function describeGrant(binding: Binding, subject: Subject): string {
  const { name, namespace } = binding.metadata;
  const to = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || namespace}` : subject.name;
  const kind = namespace ? 'RoleBinding' : 'ClusterRoleBinding';
  const where = namespace ? `${name}/${namespace}` : name;
  const { roleRef } = binding;
  return `${kind} "${where}" of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${to}"`;
}
