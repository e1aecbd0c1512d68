namespace OathServer.Storage;

/// <summary>Somebody who holds keys. Found by <see cref="NormalizedName"/> within a realm.</summary>
internal sealed class Person
{
    public long Id { get; set; }

    public required string Realm { get; set; }

    /// <summary>The name relying parties send.</summary>
    public required string Name { get; set; }

    /// <summary><see cref="Name"/> in NFKC, upper case: variants of one name are one person.</summary>
    public required string NormalizedName { get; set; }

    public string? DisplayName { get; set; }

    public string? Mail { get; set; }

    public string? EmployeeNumber { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>The one spelling by which a name is looked up.</summary>
    public static string Normalize(string name) => name.Normalize(System.Text.NormalizationForm.FormKC).ToUpperInvariant();
}
