// What the fields of an object's metadata are for: `kubectl explain` shows it for every kind, custom ones too.
const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Type and field → a sentence. */
const descriptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [`${metaPackage}.ObjectMeta`]: {
    '': "ObjectMeta is what every stored object has: name, labels, owners and the server's own marks.",
    annotations: 'Annotations are keys and values for tools to keep with the object; they cannot be selected by.',
    creationTimestamp:
      'CreationTimestamp is a timestamp of when the server made the object. Set by the server, read-only.',
    deletionGracePeriodSeconds: 'Seconds that the object has to end by itself once it is being deleted. Read-only.',
    deletionTimestamp: 'DeletionTimestamp is when the object is to be gone; set when somebody deletes it. Read-only.',
    finalizers: 'Finalizers must all be taken out, each by who put it in, before the object is removed.',
    generateName: 'GenerateName is put before a random suffix when an object is made without a name.',
    generation: 'Generation counts the changes of what is wished for. Set by the server, read-only.',
    labels: 'Labels are keys and values that selectors find the object by.',
    managedFields: 'ManagedFields tells which manager set which fields. Kept by the server.',
    name: 'Name is unique among the objects of one kind in a namespace. It cannot be changed.',
    namespace: 'Namespace is where the name is unique; empty for kinds that are in none. It cannot be changed.',
    ownerReferences: 'OwnerReferences names the objects this one depends on: once all are gone it is deleted.',
    resourceVersion: 'ResourceVersion changes with every write; sent back, it refuses to overwrite a newer one.',
    selfLink: 'SelfLink is no longer set by the server.',
    uid: 'UID tells this object from all others, also from later ones of the same name. Set by the server.',
  },
};

/** The sentence for a field, or for the type with the field ''. */
export function descriptionOf(typeName: string, field: string): string | undefined {
  return descriptions[typeName]?.[field];
}
