package mqtt

import "github.com/sluice-connect/sluice/connect"

var (
	optionalString = connect.NewSchema(connect.KindString, connect.Optional())
	userSchema     = connect.StructSchema("io.sluice.connect.mqtt.UserProperty",
		connect.F("key", connect.StringSchema), connect.F("value", connect.StringSchema))
	propertiesSchema = connect.StructSchema("io.sluice.connect.mqtt.Properties",
		connect.F("content_type", optionalString),
		connect.F("response_topic", optionalString),
		connect.F("correlation_data", connect.NewSchema(connect.KindBytes, connect.Optional())),
		connect.F("payload_format_indicator", connect.NewSchema(connect.KindInt32, connect.Optional())),
		connect.F("message_expiry_interval", connect.NewSchema(connect.KindInt64, connect.Optional())),
		connect.F("user", connect.ArraySchema(userSchema)))
	// envelopeSchema is the value with mqtt.payload.format=envelope.
	envelopeSchema = connect.StructSchema("io.sluice.connect.mqtt.Message",
		connect.F("topic", connect.StringSchema),
		connect.F("payload", connect.BytesSchema),
		connect.F("qos", connect.Int32Schema),
		connect.F("retained", connect.BooleanSchema),
		connect.F("timestamp", connect.Int64Schema),
		connect.F("properties", propertiesSchema))
)

// envelopeValue puts the whole message into the value, for consumers that read no headers.
func envelopeValue(r *connect.SourceRecord, in *inbound) error {
	if in.payload == nil {
		in.payload = []byte{}
	}
	p := in.pub.Properties
	user := make([]connect.Value, 0, len(p.User))
	for i := range p.User {
		user = append(user, connect.StructOf(connect.NewStruct(userSchema).
			Set("key", connect.String(p.User[i].Key)).Set("value", connect.String(p.User[i].Value))))
	}
	properties := connect.NewStruct(propertiesSchema).Set("user", connect.Array(user))
	if p.ContentType != "" {
		properties.Set("content_type", connect.String(p.ContentType))
	}
	if p.ResponseTopic != "" {
		properties.Set("response_topic", connect.String(p.ResponseTopic))
	}
	if p.CorrelationData != nil {
		properties.Set("correlation_data", connect.Bytes(p.CorrelationData))
	}
	if p.PayloadFormat != nil {
		properties.Set("payload_format_indicator", connect.Int32(int32(*p.PayloadFormat)))
	}
	if p.MessageExpiry != nil {
		properties.Set("message_expiry_interval", connect.Int64(expiresIn(*p.MessageExpiry, in.at)))
	}
	r.Own(connect.NewStruct(envelopeSchema).
		Set("topic", connect.String(in.pub.Topic)).
		Set("payload", connect.Bytes(in.payload)).
		Set("qos", connect.Int32(int32(in.pub.QoS))).
		Set("retained", connect.Boolean(in.pub.Retain)).
		Set("timestamp", connect.Int64(in.at)).
		Set("properties", connect.StructOf(properties)))
	return nil
}
