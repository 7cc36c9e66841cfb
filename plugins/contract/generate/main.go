// Generate writes the Go code of the contract: from plugin.proto in the working directory, by the generators that go.mod names as tools. It needs no protoc.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// source is the contract; generators are what makes code of it, by their names as Go tools.
const source = "plugin.proto"

var generators = []string{"protoc-gen-go", "protoc-gen-go-grpc"}

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// write puts the generated files beside the contract in dir.
func write(dir string) error {
	files, err := generate(context.Background(), dir)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the generated files of the contract in dir, by name.
func generate(ctx context.Context, dir string) (map[string]string, error) {
	descriptor, err := compile(ctx, dir)
	if err != nil {
		return nil, err
	}
	question, err := proto.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{source},
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile:      []*descriptorpb.FileDescriptorProto{descriptor},
	})
	if err != nil {
		return nil, fmt.Errorf("asking the generators: %w", err)
	}
	files := map[string]string{}
	for _, name := range generators {
		answer, err := ask(ctx, name, question)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, f := range answer.GetFile() {
			files[f.GetName()] = f.GetContent()
		}
	}
	return files, nil
}

// compile reads the contract in dir, with its comments.
func compile(ctx context.Context, dir string) (*descriptorpb.FileDescriptorProto, error) {
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{dir}},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", source, err)
	}
	return protodesc.ToFileDescriptorProto(files[0]), nil
}

// ask runs one generator.
func ask(ctx context.Context, name string, question []byte) (*pluginpb.CodeGeneratorResponse, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", name)
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(question), &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, complaint.String())
	}
	answer := new(pluginpb.CodeGeneratorResponse)
	if err := proto.Unmarshal(out.Bytes(), answer); err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("%s", answer.GetError())
	}
	return answer, nil
}
