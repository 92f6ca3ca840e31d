// Tests that need heavy oracles, apart from the library so that its users never see them.
module github.com/moneykit/moneykit-go/internal/conformance

go 1.25.0

replace github.com/moneykit/moneykit-go => ../..

require go.yaml.in/yaml/v3 v3.0.5
