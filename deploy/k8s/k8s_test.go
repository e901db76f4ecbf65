// Package k8s_test reads the Kubernetes manifests and the compose file as strictly as their consumers do: a field that there is
// not is an error, and what must be so for a hub that is upgraded without a gap, and open to nobody, is.
package k8s_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/hub/config"
)

type labels map[string]string

type meta struct {
	Name, Namespace string
	Labels          labels
}

type selector struct {
	MatchLabels labels `yaml:"matchLabels"`
}

type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   meta
}

type configMap struct {
	object `yaml:",inline"`
	Data   map[string]string
}

type account struct {
	object `yaml:",inline"`
	Mount  *bool `yaml:"automountServiceAccountToken"`
}

type deployment struct {
	object `yaml:",inline"`
	Spec   struct {
		Replicas int
		History  int `yaml:"revisionHistoryLimit"`
		Selector selector
		Strategy struct {
			Type          string
			RollingUpdate struct {
				MaxUnavailable int `yaml:"maxUnavailable"`
				MaxSurge       int `yaml:"maxSurge"`
			} `yaml:"rollingUpdate"`
		}
		Template struct {
			Metadata meta
			Spec     pod
		}
	}
}

type pod struct {
	Account  string `yaml:"serviceAccountName"`
	Mount    *bool  `yaml:"automountServiceAccountToken"`
	Grace    int    `yaml:"terminationGracePeriodSeconds"`
	Security struct {
		NonRoot bool                  `yaml:"runAsNonRoot"`
		User    int                   `yaml:"runAsUser"`
		Group   int                   `yaml:"runAsGroup"`
		FSGroup int                   `yaml:"fsGroup"`
		Seccomp struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Spread []struct {
		MaxSkew  int      `yaml:"maxSkew"`
		Key      string   `yaml:"topologyKey"`
		When     string   `yaml:"whenUnsatisfiable"`
		Selector selector `yaml:"labelSelector"`
	} `yaml:"topologySpreadConstraints"`
	Containers []container
	Volumes    []struct {
		Name      string
		ConfigMap *struct{ Name string } `yaml:"configMap"`
		Secret    *struct {
			Name string `yaml:"secretName"`
			Mode int    `yaml:"defaultMode"`
		}
		EmptyDir *struct {
			Limit string `yaml:"sizeLimit"`
		} `yaml:"emptyDir"`
	}
}

type probe struct {
	Get      struct{ Path, Port string } `yaml:"httpGet"`
	Period   int                         `yaml:"periodSeconds"`
	Timeout  int                         `yaml:"timeoutSeconds"`
	Failures int                         `yaml:"failureThreshold"`
}

type container struct {
	Name, Image string
	Args        []string
	Env         []struct {
		Name, Value string
		From        *struct {
			Field struct {
				Path string `yaml:"fieldPath"`
			} `yaml:"fieldRef"`
		} `yaml:"valueFrom"`
	}
	Ports []struct {
		Name string
		Port int `yaml:"containerPort"`
	}
	Startup   probe `yaml:"startupProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Resources struct{ Requests, Limits map[string]string }
	Security  struct {
		Escalation   *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRoot bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities struct{ Drop []string }
	} `yaml:"securityContext"`
	Mounts []struct {
		Name     string
		Path     string `yaml:"mountPath"`
		ReadOnly bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

type service struct {
	object `yaml:",inline"`
	Spec   struct {
		Selector labels
		Ports    []struct {
			Name   string
			Port   int
			Target string `yaml:"targetPort"`
		}
	}
}

type budget struct {
	object `yaml:",inline"`
	Spec   struct {
		Min      int `yaml:"minAvailable"`
		Selector selector
	}
}

type port struct {
	Protocol string
	Port     int
}

type policy struct {
	object `yaml:",inline"`
	Spec   struct {
		Pods    selector `yaml:"podSelector"`
		Types   []string `yaml:"policyTypes"`
		Ingress []struct {
			From []struct {
				Namespace selector `yaml:"namespaceSelector"`
			}
			Ports []port
		}
		Egress []struct{ Ports []port }
	}
}

// manifests are the objects of hub.yaml by their kind.
type manifests struct {
	configMap  configMap
	account    account
	deployment deployment
	service    service
	budget     budget
	policy     policy
}

func read(t *testing.T) (m manifests) {
	t.Helper()
	f, err := os.Open("hub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	into := map[string]any{
		"v1 Namespace": &object{}, "v1 ServiceAccount": &m.account, "v1 ConfigMap": &m.configMap, "apps/v1 Deployment": &m.deployment,
		"v1 Service": &m.service, "policy/v1 PodDisruptionBudget": &m.budget, "networking.k8s.io/v1 NetworkPolicy": &m.policy,
	}
	for d := yaml.NewDecoder(f); ; {
		var node yaml.Node
		if err := d.Decode(&node); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		var head object
		if err := node.Decode(&head); err != nil {
			t.Fatal(err)
		}
		key := head.APIVersion + " " + head.Kind
		if into[key] == nil {
			t.Fatalf("%s is not known, or there twice", key)
		}
		strict(t, key, &node, into[key])
		delete(into, key)
	}
	if len(into) > 0 {
		t.Fatalf("missing: %v", into)
	}
	return m
}

// strict decodes a document; a field that its type has not is an error.
func strict(t *testing.T, name string, node *yaml.Node, into any) {
	t.Helper()
	text, err := yaml.Marshal(node)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestManifestsFitTogether(t *testing.T) {
	m := read(t)
	d := m.deployment.Spec
	p := d.Template.Spec
	c := p.Containers[0]
	if d.Replicas < 2 || d.Strategy.RollingUpdate.MaxUnavailable != 0 || d.Strategy.RollingUpdate.MaxSurge < 1 || m.budget.Spec.Min < 1 {
		t.Error("an upgrade leaves a moment without a hub")
	}
	app := d.Template.Metadata.Labels["app"]
	for what, got := range map[string]string{
		"deployment": d.Selector.MatchLabels["app"], "service": m.service.Spec.Selector["app"], "budget": m.budget.Spec.Selector.MatchLabels["app"],
		"policy": m.policy.Spec.Pods.MatchLabels["app"], "spread": p.Spread[0].Selector.MatchLabels["app"],
	} {
		if got != app || app == "" {
			t.Errorf("%s selects %q, pods are %q", what, got, app)
		}
	}
	if m.service.Spec.Ports[0].Target != c.Ports[0].Name || c.Readiness.Get.Port != c.Ports[0].Name || m.policy.Spec.Ingress[0].Ports[0].Port != c.Ports[0].Port {
		t.Error("ports do not fit")
	}
	if c.Readiness.Get.Path != "/readyz" || c.Liveness.Get.Path != "/healthz" || c.Startup.Get.Path != "/healthz" {
		t.Errorf("probes %+v %+v %+v", c.Startup, c.Readiness, c.Liveness)
	}
	if !p.Security.NonRoot || p.Security.User == 0 || p.Mount == nil || *p.Mount || !c.Security.ReadOnlyRoot || c.Security.Escalation == nil ||
		*c.Security.Escalation || !slices.Equal(c.Security.Capabilities.Drop, []string{"ALL"}) || len(m.policy.Spec.Types) != 2 {
		t.Error("the pod may more than it needs")
	}
	volumes := map[string]bool{}
	for _, v := range p.Volumes {
		volumes[v.Name] = true
		if v.Secret != nil && v.Secret.Mode != 0o400 {
			t.Errorf("secret %s has mode %o", v.Secret.Name, v.Secret.Mode)
		}
	}
	for _, mount := range c.Mounts {
		if !volumes[mount.Name] {
			t.Errorf("volume %s is not there", mount.Name)
		}
	}
	hubConfig(t, m.configMap.Data["hub.yaml"])
}

// hubConfig checks the configuration of a hub as the hub does.
func hubConfig(t *testing.T, text string) {
	t.Helper()
	if _, err := config.Parse([]byte(text), nil); err != nil {
		t.Error(err)
	}
}

// compose is what compose.yaml uses of the Compose Specification.
type compose struct {
	Name     string
	Services map[string]struct {
		Image       string
		Build       struct{ Context, Dockerfile string }
		User        string
		Restart     string
		ReadOnly    bool     `yaml:"read_only"`
		CapDrop     []string `yaml:"cap_drop"`
		SecurityOpt []string `yaml:"security_opt"`
		StopGrace   string   `yaml:"stop_grace_period"`
		NetworkMode string   `yaml:"network_mode"`
		Ports       []string
		Networks    []string
		Volumes     []string
		Secrets     []string
		Command     []string
		Entrypoint  []string
		Environment map[string]string
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Healthcheck struct {
			Test              []string
			Interval, Timeout string
			Retries           int
		}
	}
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]struct{}
	Secrets  map[string]struct{ File string }
}

func TestComposeOpensNothingAndNamesWhatThereIs(t *testing.T) {
	text, err := os.ReadFile("../compose/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		t.Fatal(err)
	}
	var c compose
	strict(t, "compose.yaml", &node, &c)
	for name, s := range c.Services {
		if !regexp.MustCompile(`^tallydock-hub$|:\D*\d+\.\d+`).MatchString(s.Image) {
			t.Errorf("%s: image %q has no version", name, s.Image)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s is open to the network: %s", name, p)
			}
		}
		for _, secret := range s.Secrets {
			if _, there := c.Secrets[secret]; !there {
				t.Errorf("%s wants secret %s", name, secret)
			}
		}
		for _, network := range s.Networks {
			if _, there := c.Networks[network]; !there {
				t.Errorf("%s wants network %s", name, network)
			}
		}
		for other := range s.DependsOn {
			if _, there := c.Services[other]; !there {
				t.Errorf("%s waits for %s", name, other)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			_, named := c.Volumes[from]
			_, err := os.Stat(filepath.Join("../compose", from))
			if !named && err != nil && !strings.HasPrefix(from, "./generated/") {
				t.Errorf("%s mounts %s, which is not there", name, from)
			}
		}
	}
}

func TestSetupMakesSecretsAndAConfigurationThatTheHubTakes(t *testing.T) {
	for _, program := range []string{"openssl", "mosquitto_passwd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s", program)
		}
	}
	dir := t.TempDir()
	script, err := os.ReadFile("../compose/setup.sh")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "setup.sh")
	if err := os.WriteFile(file, script, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(file, "SZ1", "SZ1-E1", "SZ1-E2").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(file, "SZ1", "SZ1-E1").CombinedOutput(); err == nil {
		t.Errorf("a second time: %s", out)
	}
	generated := filepath.Join(dir, "generated")
	if st, err := os.Stat(generated); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	plain, err := os.ReadFile(filepath.Join(generated, "SZ1-E2.password"))
	if err != nil || len(plain) < 40 {
		t.Fatalf("%q %v", plain, err)
	}
	hashed, err := os.ReadFile(filepath.Join(generated, "mosquitto", "passwords"))
	if err != nil || strings.Contains(string(hashed), strings.TrimSpace(string(plain))) || strings.Count(string(hashed), ":$") != 4 {
		t.Errorf("%s %v", hashed, err)
	}
	text, err := os.ReadFile(filepath.Join(generated, "hub.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	hubConfig(t, string(text))
}
