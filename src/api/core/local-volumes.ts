// Volumes that are directories of a node, made on demand. The node's agent keeps them; a controller asks for them.

/** The provisioner, as StorageClasses and volumes name it. */
export const localVolumeProvisioner = 'coracle.dev/local-volumes';

/** The class that claims get which name none. */
export const defaultStorageClass = 'standard';

/** Annotation of a Node: the folder that its volumes are in. */
export const localVolumesFolder = 'coracle.dev/local-volumes';

/** Where the node's agent takes a volume away. */
export const localVolumePath = (nodeName: string, volumeName: string) =>
  `/api/v1/nodes/${encodeURIComponent(nodeName)}/proxy/localVolumes/${encodeURIComponent(volumeName)}`;
