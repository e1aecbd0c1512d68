using System.Buffers;
using System.Text.Json;

namespace OathServer.Validation;

/// <summary>The JSON of a validation as nearly all send it, read and written without the serialiser, which takes a third
/// of a request's allocations.</summary>
internal static class ValidateBody
{
    private static readonly JsonEncodedText accepted = JsonEncodedText.Encode("accepted");
    private static readonly JsonEncodedText serial = JsonEncodedText.Encode("serial");

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? reply;

    [ThreadStatic]
    private static Utf8JsonWriter? writer;

    /// <summary>The request, if the body is one object with each known member once at most and strings as values; null
    /// for everything else, which the serialiser then reads, and refuses with a reason where it is wrong.</summary>
    public static ValidateRequest? Read(in ReadOnlySequence<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            return Read(ref reader);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The reply, as a <see cref="ValidateReply"/> is written. Good until this thread writes the next.</summary>
    public static ReadOnlySpan<byte> Write(bool isAccepted, string? acceptedBy)
    {
        reply ??= new ArrayBufferWriter<byte>(256);
        reply.ResetWrittenCount();
        writer ??= new Utf8JsonWriter(reply);
        writer.Reset(reply);
        writer.WriteStartObject();
        writer.WriteBoolean(accepted, isAccepted);
        if (acceptedBy is not null)
        {
            writer.WriteString(serial, acceptedBy);
        }

        writer.WriteEndObject();
        writer.Flush();
        return reply.WrittenSpan;
    }

    private static ValidateRequest? Read(ref Utf8JsonReader reader)
    {
        string? code = null, user = null, serialNumber = null, realm = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ref var member = ref user;
            if (reader.ValueTextEquals("code"u8))
            {
                member = ref code;
            }
            else if (reader.ValueTextEquals("serial"u8))
            {
                member = ref serialNumber;
            }
            else if (reader.ValueTextEquals("realm"u8))
            {
                member = ref realm;
            }
            else if (!reader.ValueTextEquals("user"u8))
            {
                return null;
            }

            if (member is not null || !reader.Read() || reader.TokenType != JsonTokenType.String)
            {
                return null;
            }

            member = reader.GetString();
        }

        return reader.TokenType == JsonTokenType.EndObject && code is not null && !reader.Read()
            ? new ValidateRequest(code, user, serialNumber, realm)
            : null;
    }
}
