// Package k8stest holds the checks of everything in k8s: it renders each kustomization
// in the process, validates it strictly against the schemas of several Kubernetes
// versions, and looks for what no schema sees, above all for what an operator accepts
// in silence. TestPlantedFaults turns each check red.
package k8stest
