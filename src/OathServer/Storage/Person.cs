namespace OathServer.Storage;

/// <summary>Somebody who holds keys. Found by <see cref="NormalizedName"/> within a realm.</summary>
internal sealed class Person
{
    public long Id { get; set; }

    public required string Realm { get; set; }

    /// <summary>The name relying parties send.</summary>
    public required string Name { get; set; }

    /// <summary><see cref="Name"/> upper case: variants in case are one person.</summary>
    public required string NormalizedName { get; set; }

    public string? DisplayName { get; set; }

    public string? Mail { get; set; }

    public string? EmployeeNumber { get; set; }

    /// <summary>The identifier the organisation's directory gave them (SCIM <c>externalId</c>).</summary>
    public string? ExternalId { get; set; }

    /// <summary>False once the directory says that they left: every code of their tokens is refused meanwhile.</summary>
    public bool Active { get; set; } = true;

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset? UpdatedAt { get; set; }

    /// <summary>The one spelling by which a name is looked up.</summary>
    /// <remarks>The program runs without ICU (InvariantGlobalization), and then .NET composes nothing: a name in another
    /// composition is nobody, which gives no second count of guesses.</remarks>
    public static string Normalize(string name) => name.Normalize(System.Text.NormalizationForm.FormKC).ToUpperInvariant();
}
