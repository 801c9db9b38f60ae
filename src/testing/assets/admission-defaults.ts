/** The plugins that run when no flag says otherwise; those of ours that upstream keeps in its storage are never off. */
export const upstreamDefaultPlugins: readonly string[] = (
  'NamespaceLifecycle LimitRanger ServiceAccount TaintNodesByCondition PodSecurity Priority DefaultTolerationSeconds ' +
  'DefaultStorageClass StorageObjectInUseProtection PersistentVolumeClaimResize RuntimeClass CertificateRequester ' +
  'CertificateApproval CertificateSigning CertificateSubjectRestriction DefaultIngressClass PodTopologyLabels ' +
  'NodeDeclaredFeatureValidator PodResizeValidator MutatingAdmissionPolicy MutatingAdmissionWebhook ' +
  'ValidatingAdmissionPolicy ValidatingAdmissionWebhook ResourceQuota RBACEscalation'
).split(' ');
