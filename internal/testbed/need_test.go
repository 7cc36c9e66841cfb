package testbed

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

var absent = Prerequisite{Name: "the moon", AptPackage: "moon", BrewFormula: "moon", program: "no-such-program"}

func TestATestWithoutItsPrerequisiteIsSkippedAndSaysHowToGetIt(t *testing.T) {
	t.Setenv("CI", "")
	tr := try(t, func(tb testing.TB) { need(tb, []Prerequisite{absent}) })

	assert.Regexp(t, `^needs the moon \(no-such-program is not in PATH\): (apt-get|brew) install moon$`, tr.skip)
	assert.Empty(t, tr.fatal)
}

func TestAProgramWithoutItsPrerequisitesSaysHowToGetThem(t *testing.T) {
	assert.NoError(t, Installed())
	assert.Regexp(t, `^needs the moon \(no-such-program is not in PATH\): (apt-get|brew) install moon$`, Installed(absent).Error())
}

func TestOnCIAMissingPrerequisiteFailsTheTest(t *testing.T) {
	t.Setenv("CI", "true")
	tr := try(t, func(tb testing.TB) { need(tb, []Prerequisite{absent}) })

	assert.Contains(t, tr.fatal, "needs the moon")
	assert.Empty(t, tr.skip)
}

func TestJavaOlderThan17CountsAsMissing(t *testing.T) {
	for version, reason := range map[string]string{
		`openjdk version "17.0.15" 2025-04-15`: "",
		`openjdk version "21" 2023-09-19`:      "",
		`java version "1.8.0_362"`:             "java is version 1",
		`openjdk version "11.0.2" 2019-01-15`:  "java is version 11",
		`The operation couldn't be completed`:  "java tells no version",
	} {
		err := checkJavaVersion(version)
		if reason == "" {
			assert.NoError(t, err, version)
			continue
		}
		assert.ErrorContains(t, err, reason, version)
	}
}
