// Package test renders and lints the chart with Helm's own engine, and decodes what comes out into the types of the Kubernetes API, strictly:
// a field that the API does not have is an error. A module of its own: Helm brings along what the programs do not need. No cluster is asked.
package test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/releaseutil"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const folder = "../gridgate-central"

func open(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render returns the manifests by kind.
func render(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	capabilities := *chartutil.DefaultCapabilities
	capabilities.KubeVersion = chartutil.KubeVersion{Version: "v1.31.0", Major: "1", Minor: "31"}
	v, err := chartutil.ToRenderValues(open(t), values, chartutil.ReleaseOptions{Name: "town", Namespace: "gridgate"}, &capabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(open(t), v)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, text := range files {
		var head releaseutil.SimpleHead
		if strings.TrimSpace(text) == "" {
			continue
		}
		if err := yaml.Unmarshal([]byte(text), &head); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if head.Kind != "" {
			out[head.Kind] = text
		}
	}
	return out, nil
}

func full(t *testing.T) map[string]any {
	t.Helper()
	v, err := chartutil.ReadValuesFile("full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func decode[T any](t *testing.T, manifests map[string]string, kind string) (v T) {
	t.Helper()
	text, has := manifests[kind]
	if !has {
		t.Fatalf("no %s is rendered", kind)
	}
	if err := yaml.UnmarshalStrict([]byte(text), &v); err != nil {
		t.Errorf("%s: %v\n%s", kind, err, text)
	}
	return v
}

func TestLint(t *testing.T) {
	for _, values := range []map[string]any{{}, full(t)} {
		for _, m := range lint.All(folder, values, "gridgate", true).Messages {
			if m.Severity >= support.WarningSev {
				t.Error(m)
			}
		}
	}
}

func TestObjectsAreThoseOfTheAPI(t *testing.T) {
	for name, values := range map[string]map[string]any{"defaults": {}, "full": full(t)} {
		t.Run(name, func(t *testing.T) {
			m, err := render(t, values)
			if err != nil {
				t.Fatal(err)
			}
			d := decode[apps.Deployment](t, m, "Deployment")
			c := d.Spec.Template.Spec.Containers[0]
			if s := c.SecurityContext; *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !*d.Spec.Template.Spec.SecurityContext.RunAsNonRoot {
				t.Errorf("security %+v", s)
			}
			if c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Scheme != core.URISchemeHTTPS {
				t.Error("probes")
			}
			for _, mount := range c.VolumeMounts {
				if !slices.ContainsFunc(d.Spec.Template.Spec.Volumes, func(v core.Volume) bool { return v.Name == mount.Name }) {
					t.Errorf("%s is mounted and is no volume", mount.Name)
				}
			}
			s := decode[core.Service](t, m, "Service")
			for k, v := range s.Spec.Selector {
				if d.Spec.Template.Labels[k] != v {
					t.Errorf("the service selects %s=%s", k, v)
				}
			}
			if b := decode[policy.PodDisruptionBudget](t, m, "PodDisruptionBudget"); b.Spec.MinAvailable.IntValue() >= int(*d.Spec.Replicas) {
				t.Error("no replica may ever be moved")
			}
			if p := decode[core.PersistentVolumeClaim](t, m, "PersistentVolumeClaim"); p.Spec.AccessModes[0] != core.ReadWriteMany {
				t.Errorf("access %s", p.Spec.AccessModes)
			}
			if decode[core.ConfigMap](t, m, "ConfigMap").Data["central.yaml"] == "" {
				t.Error("no configuration")
			}
		})
	}
	m, err := render(t, full(t))
	if err != nil {
		t.Fatal(err)
	}
	decode[networking.NetworkPolicy](t, m, "NetworkPolicy")
	if want := []string{"ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "PodDisruptionBudget", "Service", "ServiceMonitor"}; !slices.Equal(slices.Sorted(maps.Keys(m)), want) {
		t.Errorf("kinds %q, want %q", slices.Sorted(maps.Keys(m)), want)
	}
}

// TestTheConfigurationThatIsRendered compares it with one that central's own check judges in the suite.
func TestTheConfigurationThatIsRendered(t *testing.T) {
	m, err := render(t, full(t))
	if err != nil {
		t.Fatal(err)
	}
	text := decode[core.ConfigMap](t, m, "ConfigMap").Data["central.yaml"]
	for _, want := range []string{"sslmode=verify-full", "sslrootcert=/run/gridgate/postgres-ca/ca.crt", "kind: influx", "feeds: 2000"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	golden, err := os.ReadFile("central.golden.yaml")
	if err != nil || strings.TrimSpace(string(golden)) != strings.TrimSpace(text) {
		t.Errorf("central.golden.yaml, which central's own check has judged, differs (%v) from\n%s", err, text)
	}
}

func TestBadValuesAreRefused(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"no replica":              {"replicas": 0},
		"plain http":              {"publicURL": "http://central.example"},
		"a key that is not there": {"replica": 2},
		"no password":             {"postgres": map[string]any{"passwordSecret": map[string]any{"name": ""}}},
		"a store of its own":      {"config": map[string]any{"store": map[string]any{"kind": "sqlite"}}},
	} {
		if _, err := render(t, values); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
