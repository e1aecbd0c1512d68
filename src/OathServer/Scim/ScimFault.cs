using System.Text.Json.Nodes;

namespace OathServer.Scim;

/// <summary>A request a directory must correct, in SCIM's own words (RFC 7644 §3.12).</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="type">SCIM's detail error keyword, e.g. <c>uniqueness</c>; null where it has none.</param>
/// <param name="message">What was wrong and what to do.</param>
internal sealed class ScimFault(int status, string? type, string message) : Exception(message)
{
    public int Status => status;

    public static ScimFault BadValue(string message) => new(StatusCodes.Status400BadRequest, "invalidValue", message);

    public static ScimFault BadSyntax(string message) => new(StatusCodes.Status400BadRequest, "invalidSyntax", message);

    public static ScimFault NotFound(string id) => new(StatusCodes.Status404NotFound, type: null, $"There is no user {id}.");

    public JsonObject ToJson()
    {
        var body = new JsonObject
        {
            ["schemas"] = new JsonArray("urn:ietf:params:scim:api:messages:2.0:Error"),
            ["status"] = $"{status}",
            ["detail"] = Message,
        };
        if (type is not null)
        {
            body["scimType"] = type;
        }

        return body;
    }
}
