using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace OathServer.Scim;

/// <summary>SCIM's PATCH (RFC 7644 §3.5.2) on what is kept of a user. Both forms that directories send: a path with a
/// value (Entra ID), and an object of attributes without a path (Okta).</summary>
internal static partial class ScimPatch
{
    private const int OperationsMax = 100;

    // emails[type eq "work"].value, as Entra ID names the one address it keeps.
    [GeneratedRegex("""^emails(\[[^\]]{0,64}\])?(\.value)?$""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex EmailsPath();

    /// <summary>The user after all operations, or none of them.</summary>
    /// <exception cref="ScimFault">An operation cannot be read.</exception>
    public static ScimUser Apply(ScimUser user, JsonObject body)
    {
        if (body["Operations"] is not JsonArray operations || operations.Count is 0 or > OperationsMax)
        {
            throw ScimFault.BadSyntax($"Operations is not a list of 1 to {OperationsMax} operations.");
        }

        foreach (var operation in operations)
        {
            if (operation is not JsonObject one)
            {
                throw ScimFault.BadSyntax("An operation is not an object.");
            }

            user = ApplyOne(user, one);
        }

        return user;
    }

    private static ScimUser ApplyOne(ScimUser user, JsonObject operation)
    {
        var remove = ScimUser.Text(operation["op"], "op")?.ToUpperInvariant() switch
        {
            "ADD" or "REPLACE" => false,
            "REMOVE" => true,
            _ => throw ScimFault.BadSyntax("op is none of add, replace, remove."),
        };
        var path = ScimUser.Text(operation["path"], "path");
        if (path is not null)
        {
            return Set(user, path, remove ? null : operation["value"]);
        }

        if (remove)
        {
            throw new ScimFault(StatusCodes.Status400BadRequest, "noTarget", "remove needs a path.");
        }

        return operation["value"] is JsonObject values
            ? values.Aggregate(user, (so, member) => member is { Key: ScimUser.Enterprise, Value: JsonObject more }
                ? more.Aggregate(so, (then, inner) => Set(then, inner.Key, inner.Value))
                : Set(so, member.Key, member.Value))
            : throw ScimFault.BadSyntax("An operation without a path needs an object as its value.");
    }

    private static ScimUser Set(ScimUser user, string path, JsonNode? value)
    {
        var attribute = path.StartsWith(ScimUser.Enterprise + ":", StringComparison.OrdinalIgnoreCase) ? path[(ScimUser.Enterprise.Length + 1)..]
            : path.StartsWith(ScimUser.Schema + ":", StringComparison.OrdinalIgnoreCase) ? path[(ScimUser.Schema.Length + 1)..]
            : path;
        return attribute.ToUpperInvariant() switch
        {
            "USERNAME" => user with
            {
                UserName = ScimUser.Text(value, attribute) is { } name && !string.IsNullOrWhiteSpace(name) ? name : throw ScimFault.BadValue("userName cannot be emptied."),
            },
            "ACTIVE" => user with { Active = value is null || ScimUser.Truth(value) },
            "DISPLAYNAME" or "NAME.FORMATTED" => user with { DisplayName = ScimUser.Text(value, attribute) },
            "EXTERNALID" => user with { ExternalId = ScimUser.Text(value, attribute) },
            "EMPLOYEENUMBER" => user with { EmployeeNumber = ScimUser.Text(value, attribute) },
            _ when EmailsPath().IsMatch(attribute) => user with { Mail = value is JsonArray ? ScimUser.PrimaryOf(value) : ScimUser.Text(value, attribute) },
            _ => user, // An attribute that is not kept here: accepted and left out, as on POST.
        };
    }
}
