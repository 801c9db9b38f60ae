import io.kubernetes.client.custom.Quantity;
import io.kubernetes.client.custom.V1Patch;
import io.kubernetes.client.informer.ResourceEventHandler;
import io.kubernetes.client.informer.SharedInformerFactory;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.ApiException;
import io.kubernetes.client.openapi.apis.AppsV1Api;
import io.kubernetes.client.openapi.apis.CoreV1Api;
import io.kubernetes.client.openapi.models.*;
import io.kubernetes.client.util.CallGeneratorParams;
import io.kubernetes.client.util.Config;
import io.kubernetes.client.util.generic.GenericKubernetesApi;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A day's work with the official Java client: an informer, typed and generic API, quantities, errors. */
public final class Day {
  private static final String NAMESPACE = "java";

  private static void check(boolean isTrue, String what) {
    if (!isTrue) throw new AssertionError(what);
  }

  public static void main(String[] arguments) throws Exception {
    ApiClient client = Config.defaultClient();
    client.setReadTimeout(0);
    CoreV1Api core = new CoreV1Api(client);
    AppsV1Api apps = new AppsV1Api(client);
    core.createNamespace(new V1Namespace().metadata(new V1ObjectMeta().name(NAMESPACE))).execute();

    CountDownLatch added = new CountDownLatch(3);
    SharedInformerFactory informers = new SharedInformerFactory(client);
    informers
        .sharedIndexInformerFor(
            (CallGeneratorParams params) ->
                core.listNamespacedPod(NAMESPACE)
                    .resourceVersion(params.resourceVersion)
                    .timeoutSeconds(params.timeoutSeconds)
                    .watch(params.watch)
                    .buildCall(null),
            V1Pod.class,
            V1PodList.class)
        .addEventHandler(
            new ResourceEventHandler<V1Pod>() {
              @Override
              public void onAdd(V1Pod pod) {
                added.countDown();
              }

              @Override
              public void onUpdate(V1Pod before, V1Pod pod) {}

              @Override
              public void onDelete(V1Pod pod, boolean isUnknown) {}
            });
    informers.startAllRegisteredInformers();

    Map<String, String> labels = Map.of("app", "web");
    V1Container container =
        new V1Container()
            .name("c")
            .image("nginx")
            .resources(new V1ResourceRequirements().putRequestsItem("cpu", new Quantity("10m")));
    V1Deployment made =
        apps.createNamespacedDeployment(
                NAMESPACE,
                new V1Deployment()
                    .metadata(new V1ObjectMeta().name("web"))
                    .spec(
                        new V1DeploymentSpec()
                            .replicas(3)
                            .selector(new V1LabelSelector().matchLabels(labels))
                            .template(
                                new V1PodTemplateSpec()
                                    .metadata(new V1ObjectMeta().labels(labels))
                                    .spec(new V1PodSpec().containers(List.of(container))))))
            .execute();
    check(made.getSpec().getProgressDeadlineSeconds() == 600, "defaults");
    check(added.await(60, TimeUnit.SECONDS), "the informer saw three pods");
    informers.stopAllRegisteredInformers();

    GenericKubernetesApi<V1Deployment, V1DeploymentList> deployments =
        new GenericKubernetesApi<>(V1Deployment.class, V1DeploymentList.class, "apps", "v1", "deployments", client);
    V1Deployment scaled =
        deployments
            .patch(NAMESPACE, "web", V1Patch.PATCH_FORMAT_STRATEGIC_MERGE_PATCH, new V1Patch("{\"spec\":{\"replicas\":1}}"))
            .throwsApiException()
            .getObject();
    check(scaled.getSpec().getReplicas() == 1, "scaled");
    check(deployments.get(NAMESPACE, "none").getHttpStatusCode() == 404, "not found");
    try {
      core.createNamespace(new V1Namespace().metadata(new V1ObjectMeta().name(NAMESPACE))).execute();
      throw new AssertionError("made twice");
    } catch (ApiException error) {
      check(error.getCode() == 409 && error.getResponseBody().contains("AlreadyExists"), "conflict");
    }
    check(deployments.delete(NAMESPACE, "web").isSuccess(), "deleted");
    core.deleteNamespace(NAMESPACE).execute();
    System.out.println("java: all well");
    System.exit(0);
  }
}
