package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

// Registry is one converter's access to a schema registry, for one goroutine at a time.
type Registry struct {
	// Limit is how many schemas a converter keeps for each direction.
	Limit int
	// Latest tells that what is read is resolved into the latest schema of its subject (use.latest.version).
	Latest bool

	seat     converters.Seat
	strategy string
	client   *client

	autoRegister, normalize, strict bool
	latestTTL                       time.Duration // 0 for ever
}

// New reads a converter's keys, which have been checked. Its error is a [connect.ConfigError].
func New(seat converters.Seat, cfg connect.Config) (*Registry, error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &Registry{
		Limit: cacheKey.Get(cfg), Latest: useLatestKey.Get(cfg), seat: seat, strategy: strategyOf(seat, cfg), client: c,
		autoRegister: autoRegisterKey.Get(cfg), normalize: normalizeKey.Get(cfg), strict: strictKey.Get(cfg),
		latestTTL: time.Duration(max(0, latestTTLKey.Get(cfg))) * time.Second,
	}, nil
}

// Schema is a schema as the registry has it.
type Schema struct {
	ID      int32
	Version int // within its subject, 0 where it is not known
	Text    string
	// References are the schemas that Text imports, each after those that it imports itself.
	References []Reference
	// Expires is when the latest schema is to be asked for again; zero for never.
	Expires time.Time

	stored sr.Schema
}

// Reference is a schema by the name under which another imports it.
type Reference struct{ Name, Text string }

// Format is a kind of schemas.
type Format = sr.SchemaType

// The formats.
const (
	Avro       Format = sr.TypeAvro
	JSONSchema Format = sr.TypeJSON
	Protobuf   Format = sr.TypeProtobuf
)

// ToWrite returns the schema to write with under a subject: the given one, registered or looked up, or the latest where the keys say so. compatible
// tells whether the latest can read what text writes.
func (r *Registry) ToWrite(subject, text string, format Format, compatible func(latest Schema) error) (Schema, error) {
	own := sr.Schema{Schema: text, Type: format}
	out := Schema{Text: text, stored: own}
	switch {
	case r.autoRegister:
		err := r.client.ask("registering the schema of subject "+subject, func(ctx context.Context, c *sr.Client) error {
			id, err := c.RegisterSchema(r.normalizing(ctx), subject, own, -1, -1)
			out.ID = int32(id)
			return err
		})
		return out, err
	case r.Latest:
		latest, err := r.ToRead(subject)
		if err == nil && r.strict {
			if err = compatible(latest); err != nil {
				err = fmt.Errorf("%w: the latest schema of subject %s cannot read what this record's writes (latest.compatibility.strict): %w",
					connect.ErrData, subject, err)
			}
		}
		return latest, err
	}
	found, err := r.lookup(subject, own)
	if missing(err) {
		err = fmt.Errorf("%w: register it, or set auto.register.schemas=true or use.latest.version=true", err)
	}
	out.ID, out.Version = int32(found.ID), found.Version
	return out, err
}

// ToRead returns the latest schema of a subject.
func (r *Registry) ToRead(subject string) (Schema, error) {
	var found sr.SubjectSchema
	err := r.client.ask("reading the latest schema of subject "+subject, func(ctx context.Context, c *sr.Client) (err error) {
		found, err = c.SchemaByVersion(ctx, subject, -1)
		return err
	})
	if err != nil {
		return Schema{}, err
	}
	out := Schema{ID: int32(found.ID), Version: found.Version}
	if r.latestTTL > 0 {
		out.Expires = time.Now().Add(r.latestTTL)
	}
	return out, r.complete(&out, found.Schema)
}

// ByID returns a schema by its id. Its error is of class [connect.ErrData] where there is none: the id came with the message.
func (r *Registry) ByID(id int32, format Format) (Schema, error) {
	var found sr.Schema
	err := r.client.ask(fmt.Sprintf("reading schema %d", id), func(ctx context.Context, c *sr.Client) (err error) {
		found, err = c.SchemaByID(ctx, int(id))
		return err
	})
	switch {
	case missing(err):
		return Schema{}, fmt.Errorf("%w: %w", connect.ErrData, err)
	case err != nil:
		return Schema{}, err
	case found.Type != format:
		return Schema{}, fmt.Errorf("%w: schema %d is of type %s, and this converter reads %s", connect.ErrData, id, found.Type, format)
	}
	out := Schema{ID: id}
	return out, r.complete(&out, found)
}

// VersionOf returns the version that a schema has within a subject; 0 where the subject does not have it.
func (r *Registry) VersionOf(subject string, s Schema) (int, error) {
	found, err := r.lookup(subject, s.stored)
	if missing(err) {
		return 0, nil
	}
	return found.Version, err
}

func (r *Registry) lookup(subject string, own sr.Schema) (found sr.SubjectSchema, err error) {
	err = r.client.ask("looking up the schema of subject "+subject, func(ctx context.Context, c *sr.Client) (err error) {
		found, err = c.LookupSchema(r.normalizing(ctx), subject, own)
		return err
	})
	return found, err
}

func (r *Registry) normalizing(ctx context.Context) context.Context {
	if r.normalize {
		return sr.WithParams(ctx, sr.Normalize)
	}
	return ctx
}

// complete takes over what the registry answered, with the schemas that it refers to.
func (r *Registry) complete(out *Schema, found sr.Schema) error {
	out.Text, out.stored = found.Schema, found
	c := collector{registry: r, seen: map[sr.SchemaReference]bool{}}
	err := c.collect(found.References)
	out.References = c.found
	return err
}

// collector follows references to schemas.
type collector struct {
	registry *Registry
	seen     map[sr.SchemaReference]bool
	found    []Reference
}

// maxReferences bounds how many schemas one schema may refer to.
const maxReferences = 1000

func (c *collector) collect(references []sr.SchemaReference) error {
	for _, ref := range references {
		if c.seen[ref] {
			continue
		}
		if c.seen[ref] = true; len(c.seen) > maxReferences {
			return fmt.Errorf("%w: a schema that refers to more than %d others", connect.ErrData, maxReferences)
		}
		var s sr.SubjectSchema
		what := fmt.Sprintf("reading the schema %s, version %d of subject %s", ref.Name, ref.Version, ref.Subject)
		err := c.registry.client.ask(what, func(ctx context.Context, client *sr.Client) (err error) {
			s, err = client.SchemaByVersion(ctx, ref.Subject, ref.Version)
			return err
		})
		if err == nil {
			err = c.collect(s.References)
		}
		if err != nil {
			return err
		}
		c.found = append(c.found, Reference{Name: ref.Name, Text: s.Schema.Schema})
	}
	return nil
}

// ReadAs returns the schema that messages of the topic under own are read as, own itself or the latest of the subject, with the version that it has
// within the subject: as in Java that becomes the version of the Connect schema. record names own, as for [Registry.Subject].
func (r *Registry) ReadAs(topic, record string, own Schema) (as Schema, version int, err error) {
	subject, err := r.Subject(topic, record)
	switch {
	case err != nil && !r.Latest: // there is no subject to have a version in
		return own, 0, nil
	case err != nil:
		return Schema{}, 0, err
	case r.Latest:
		as, err = r.ToRead(subject)
		return as, as.Version, err
	}
	version, err = r.VersionOf(subject, own)
	return own, version, err
}

// Unreadable adds to an error which schema cannot be read, and the subject that it has by the converter's keys where it has one.
func (r *Registry) Unreadable(s Schema, topic, record string, err error) error {
	subject, unnamed := r.Subject(topic, record)
	if unnamed != nil {
		return fmt.Errorf("schema %d: %w", s.ID, err)
	}
	return fmt.Errorf("schema %d of subject %s: %w", s.ID, subject, err)
}
