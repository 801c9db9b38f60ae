// An operator as people write them with controller-runtime: its own definition, leader election, a finalizer, an owned
// Deployment, status, conditions and events. It drives itself through one life of a Boat and ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	namespace = "go"
	finalizer = "go.example.com/moored"
)

var groupVersion = schema.GroupVersion{Group: "go.example.com", Version: "v1"}

type BoatSpec struct {
	Crew int32 `json:"crew"`
}

type BoatStatus struct {
	Aboard     int32              `json:"aboard"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

type Boat struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BoatSpec   `json:"spec"`
	Status            BoatStatus `json:"status,omitempty"`
}

type BoatList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Boat `json:"items"`
}

func (b *Boat) DeepCopyObject() runtime.Object {
	out := *b
	b.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Status.Conditions = append([]metav1.Condition(nil), b.Status.Conditions...)
	return &out
}

func (l *BoatList) DeepCopyObject() runtime.Object {
	out := *l
	out.Items = nil
	for i := range l.Items {
		out.Items = append(out.Items, *l.Items[i].DeepCopyObject().(*Boat))
	}
	return &out
}

func definition() *apiextensionsv1.CustomResourceDefinition {
	object := apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)}
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "boats.go.example.com"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: groupVersion.Group,
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "boats", Kind: "Boat"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type:       "object",
					Properties: map[string]apiextensionsv1.JSONSchemaProps{"spec": object, "status": object},
				}},
			}},
		},
	}
}

type reconciler struct {
	client.Client
	events record.EventRecorder
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var boat Boat
	if err := r.Get(ctx, request.NamespacedName, &boat); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !boat.DeletionTimestamp.IsZero() {
		controllerutil.RemoveFinalizer(&boat, finalizer)
		return ctrl.Result{}, r.Update(ctx, &boat)
	}
	if controllerutil.AddFinalizer(&boat, finalizer) {
		return ctrl.Result{}, r.Update(ctx, &boat)
	}
	labels := map[string]string{"boat": boat.Name}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: boat.Name, Namespace: boat.Namespace}}
	result, err := controllerutil.CreateOrUpdate(ctx, r.Client, deployment, func() error {
		deployment.Spec.Replicas = &boat.Spec.Crew
		deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		deployment.Spec.Template.Labels = labels
		if len(deployment.Spec.Template.Spec.Containers) == 0 {
			deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "sailor", Image: "busybox"}}
		}
		return controllerutil.SetControllerReference(&boat, deployment, r.Scheme())
	})
	if err != nil {
		return ctrl.Result{}, err
	}
	if result == controllerutil.OperationResultCreated {
		r.events.Event(&boat, corev1.EventTypeNormal, "Launched", "the boat is in the water")
	}
	before := boat.DeepCopyObject().(*Boat)
	boat.Status.Aboard = deployment.Status.AvailableReplicas
	meta.SetStatusCondition(&boat.Status.Conditions, metav1.Condition{
		Type: "Ready", Status: map[bool]metav1.ConditionStatus{true: metav1.ConditionTrue, false: metav1.ConditionFalse}[boat.Status.Aboard == boat.Spec.Crew],
		Reason: "Counted", ObservedGeneration: boat.Generation,
	})
	return ctrl.Result{}, r.Status().Patch(ctx, &boat, client.MergeFrom(before))
}

func run(ctx context.Context) error {
	ctrl.SetLogger(logr.Discard())
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme)); err != nil {
		return err
	}
	scheme.AddKnownTypes(groupVersion, &Boat{}, &BoatList{})
	metav1.AddToGroupVersion(scheme, groupVersion)

	config := ctrl.GetConfigOrDie()
	direct, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	if err := direct.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return err
	}
	if err := direct.Create(ctx, definition()); err != nil {
		return err
	}
	until := func(what string, isTrue func() (bool, error)) error {
		err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) { return isTrue() })
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
	if err := until("established", func() (bool, error) {
		err := direct.List(ctx, &BoatList{})
		return err == nil, nil
	}); err != nil {
		return err
	}

	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"},
		LeaderElection: true, LeaderElectionID: "boats", LeaderElectionNamespace: namespace, LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return err
	}
	operator := &reconciler{Client: manager.GetClient(), events: manager.GetEventRecorderFor("boats")}
	if err := ctrl.NewControllerManagedBy(manager).For(&Boat{}).Owns(&appsv1.Deployment{}).Complete(operator); err != nil {
		return err
	}
	ended := make(chan error, 1)
	managing, stop := context.WithCancel(ctx)
	defer stop()
	go func() { ended <- manager.Start(managing) }()

	boat := &Boat{ObjectMeta: metav1.ObjectMeta{Name: "coracle", Namespace: namespace}, Spec: BoatSpec{Crew: 2}}
	if err := direct.Create(ctx, boat); err != nil {
		return err
	}
	ready := func(crew int32) func() (bool, error) {
		return func() (bool, error) {
			err := direct.Get(ctx, client.ObjectKeyFromObject(boat), boat)
			return meta.IsStatusConditionTrue(boat.Status.Conditions, "Ready") && boat.Status.Aboard == crew, err
		}
	}
	if err := until("two aboard", ready(2)); err != nil {
		return err
	}
	if err := direct.Patch(ctx, boat, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"crew":3}}`))); err != nil {
		return err
	}
	if err := until("three aboard", ready(3)); err != nil {
		return err
	}
	if err := until("an event", func() (bool, error) {
		var events corev1.EventList
		err := direct.List(ctx, &events, client.InNamespace(namespace), client.MatchingFields{"involvedObject.kind": "Boat", "reason": "Launched"})
		return len(events.Items) == 1, err
	}); err != nil {
		return err
	}
	if err := direct.Delete(ctx, boat); err != nil {
		return err
	}
	if err := until("all of it gone", func() (bool, error) {
		gone := direct.Get(ctx, client.ObjectKeyFromObject(boat), &Boat{})
		owned := direct.Get(ctx, client.ObjectKeyFromObject(boat), &appsv1.Deployment{})
		return apierrors.IsNotFound(gone) && apierrors.IsNotFound(owned), nil
	}); err != nil {
		return err
	}
	stop()
	if err := <-ended; err != nil {
		return err
	}
	return errors.Join(
		direct.Delete(ctx, definition()),
		direct.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}),
	)
}

func main() {
	if err := run(ctrl.SetupSignalHandler()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("go: all well")
}
