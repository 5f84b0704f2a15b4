#!/usr/bin/env bash
# Installs the Strimzi operator by Helm 3 into the namespace kafka.
#
#   k8s/operator/install.sh [version]      0.44.0 (the default) or 1.2.0
#
# Often quoted, and it fails with the charts before 0.51.0:
#
#   helm install strimzi-kafka-operator strimzi/strimzi-kafka-operator \
#     --namespace kafka --set watchNamespaces="{kafka}" --version 0.44.0
#
# The release namespace is watched in any case. Naming it again renders three
# RoleBindings twice, and the server refuses the second:
#   rolebindings ... "strimzi-cluster-operator-watched" already exists
# So the --set is left out. To watch more namespaces, list only the others:
#   --set watchNamespaces="{team-a,team-b}"
set -euo pipefail
cd "$(dirname "$0")"

VERSION="${1:-0.44.0}"
NAMESPACE=kafka
VALUES="values-$VERSION.yaml"
[ -f "$VALUES" ] || { echo "install.sh: no $VALUES; there are: $(echo values-*.yaml)" >&2; exit 1; }

helm repo add strimzi https://strimzi.io/charts/
helm repo update
# The namespace with its Pod Security labels; `kubectl create namespace kafka` would
# make one without.
kubectl apply -f ../kafka/base/namespace.yaml

helm upgrade --install strimzi-kafka-operator strimzi/strimzi-kafka-operator \
  --namespace "$NAMESPACE" --version "$VERSION" --values "$VALUES" --wait --timeout 10m

# Helm installs CRDs once and never upgrades them: see RUNBOOK.md, "Upgrade".
kubectl wait --for=condition=Established --timeout=60s \
  crd/kafkas.kafka.strimzi.io crd/kafkanodepools.kafka.strimzi.io \
  crd/kafkatopics.kafka.strimzi.io crd/kafkausers.kafka.strimzi.io
kubectl get pods -n "$NAMESPACE" -l name=strimzi-cluster-operator
